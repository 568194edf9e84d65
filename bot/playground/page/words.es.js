// Spanish.

export default {
  bot: "bot", online: "en línea", absent: "aún no escucha…", members: "{n} miembros",
  typing: "escribiendo…", upload_photo: "enviando una foto…", record_video: "grabando un vídeo…", upload_video: "enviando un vídeo…",
  upload_document: "enviando un archivo…",
  message: "Mensaje", send: "Enviar", attach: "Adjuntar", camera: "Hacer una foto", photo: "Foto", file: "Archivo", film: "Vídeo",
  album: "Álbum", photos: "Foto o vídeo", menu: "Comandos", back: "Atrás", more: "Más", settings: "Ajustes", down: "Ir al final",
  start: "Empezar", reply: "Responder", edit: "Editar", copy: "Copiar", remove: "Eliminar", forward: "Reenviar", edited: "editado",
  replying: "Responder a {name}", editing: "Editar", cancel: "Cancelar", ok: "Aceptar", close: "Cerrar", download: "Descargar",
  caption: "Añade un texto…", compress: "Enviar como foto", compress_hint: "Más pequeña, como hace la app", as_file: "Enviar como archivo",
  as_file_hint: "Cada byte tal como es", send_n: "Enviar {n}", drop_photo: "Suelta aquí para enviar como foto", drop_file: "Suelta aquí para enviar como archivo",
  today: "Hoy", yesterday: "Ayer", forwarded: "Reenviado de {name}", via: "vía @{name}",
  language: "Idioma", whose: "El móvil de", chats: "Chats", earlier: "Mensajes anteriores", nothing: "Aún no se ha dicho nada",
  unreadable: "Esta imagen no se puede enviar como foto. ¿La envío como archivo?", no_answer: "El bot no ha respondido.",
  lost: "El playground no está en marcha. Esperando…", shutter: "Disparador", no_camera: "Aquí no hay cámara; elige una foto.",
  new_group: "Nuevo grupo", new_forum: "Nuevo foro con temas", new_person: "Nueva persona", name: "Nombre", create: "Crear",
  block: "Detener el bot", unblock: "Volver a iniciar el bot", add_bot: "Añadir el bot", remove_bot: "Quitar el bot",
  promote: "Hacer administrador al bot", migrate: "Convertir en supergrupo", blocked: "Has detenido este bot.",
  general: "General", new_topic: "Nuevo tema", to_whom: "Reenviar a", sent_file: "ha enviado un archivo",
  joined: "{name} se ha unido al grupo", left: "{name} ha salido del grupo", topic_opened: "Tema «{name}»", migrated: "El grupo es ahora un supergrupo",
  note: "Todo lo de aquí se queda en este ordenador.", you: "Tú", copied: "Copiado", searching: "Preguntando al bot…", none: "Sin resultados",
  intro: "Envía una foto de tu perro o tu gato y mira cómo era de pequeño.",
};
