// Portuguese.

export default {
  bot: "bot", online: "online", absent: "ainda não está ouvindo…", members: "{n} membros",
  typing: "digitando…", upload_photo: "enviando uma foto…", record_video: "gravando um vídeo…", upload_video: "enviando um vídeo…",
  upload_document: "enviando um arquivo…",
  message: "Mensagem", send: "Enviar", attach: "Anexar", camera: "Tirar uma foto", photo: "Foto", file: "Arquivo", film: "Vídeo",
  album: "Álbum", photos: "Foto ou vídeo", menu: "Comandos", back: "Voltar", more: "Mais", settings: "Configurações", down: "Ir para o fim",
  start: "Começar", reply: "Responder", edit: "Editar", copy: "Copiar", remove: "Apagar", forward: "Encaminhar", edited: "editada",
  replying: "Responder a {name}", editing: "Editar", cancel: "Cancelar", ok: "OK", close: "Fechar", download: "Baixar",
  caption: "Adicione uma legenda…", compress: "Enviar como foto", compress_hint: "Menor, como o app faz", as_file: "Enviar como arquivo",
  as_file_hint: "Cada byte como está", send_n: "Enviar {n}", drop_photo: "Solte aqui para enviar como foto", drop_file: "Solte aqui para enviar como arquivo",
  today: "Hoje", yesterday: "Ontem", forwarded: "Encaminhada de {name}", via: "via @{name}",
  language: "Idioma", whose: "Celular de quem", chats: "Conversas", earlier: "Mensagens anteriores", nothing: "Nada dito ainda",
  unreadable: "Esta imagem não pode ser enviada como foto. Enviar como arquivo?", no_answer: "O bot não respondeu.",
  lost: "O playground não está rodando. Esperando…", shutter: "Disparador", no_camera: "Não há câmera aqui; escolha uma foto.",
  new_group: "Novo grupo", new_forum: "Novo fórum com tópicos", new_person: "Nova pessoa", name: "Nome", create: "Criar",
  block: "Parar o bot", unblock: "Iniciar o bot de novo", add_bot: "Adicionar o bot", remove_bot: "Remover o bot",
  promote: "Tornar o bot administrador", migrate: "Transformar em supergrupo", blocked: "Você parou este bot.",
  general: "Geral", new_topic: "Novo tópico", to_whom: "Encaminhar para", sent_file: "enviou um arquivo",
  joined: "{name} entrou no grupo", left: "{name} saiu do grupo", topic_opened: "Tópico “{name}”", migrated: "O grupo virou um supergrupo",
  note: "Tudo aqui fica neste computador.", you: "Você", copied: "Copiado", searching: "Perguntando ao bot…", none: "Nada encontrado",
  intro: "Envie uma foto do seu cachorro ou gato e veja como ele era filhote.",
};
