// German.

export default {
  bot: "Bot", online: "online", absent: "hört noch nicht zu …", members: "{n} Mitglieder",
  typing: "schreibt …", upload_photo: "sendet ein Foto …", record_video: "nimmt einen Film auf …", upload_video: "sendet einen Film …",
  upload_document: "sendet eine Datei …",
  message: "Nachricht", send: "Senden", attach: "Anhängen", camera: "Foto aufnehmen", photo: "Foto", file: "Datei", film: "Film",
  album: "Album", photos: "Foto oder Film", menu: "Befehle", back: "Zurück", more: "Mehr", settings: "Einstellungen", down: "Zum Ende",
  start: "Starten", reply: "Antworten", edit: "Bearbeiten", copy: "Kopieren", remove: "Löschen", forward: "Weiterleiten", edited: "bearbeitet",
  replying: "Antwort an {name}", editing: "Bearbeiten", cancel: "Abbrechen", ok: "OK", close: "Schließen", download: "Herunterladen",
  caption: "Bildunterschrift …", compress: "Als Foto senden", compress_hint: "Kleiner, wie es die App macht", as_file: "Als Datei senden",
  as_file_hint: "Jedes Byte, wie es ist", send_n: "{n} senden", drop_photo: "Hier ablegen, um es als Foto zu senden", drop_file: "Hier ablegen, um es als Datei zu senden",
  today: "Heute", yesterday: "Gestern", forwarded: "Weitergeleitet von {name}", via: "über @{name}",
  language: "Sprache", whose: "Wessen Handy", chats: "Chats", earlier: "Frühere Nachrichten", nothing: "Noch nichts gesagt",
  unreadable: "Dieses Bild lässt sich nicht als Foto senden. Stattdessen als Datei?", no_answer: "Der Bot hat nicht geantwortet.",
  lost: "Der Playground läuft nicht. Es wird gewartet …", shutter: "Auslöser", no_camera: "Hier gibt es keine Kamera; bitte ein Foto auswählen.",
  new_group: "Neue Gruppe", new_forum: "Neues Forum mit Themen", new_person: "Neue Person", name: "Name", create: "Anlegen",
  block: "Bot anhalten", unblock: "Bot wieder starten", add_bot: "Bot hinzufügen", remove_bot: "Bot entfernen",
  promote: "Bot zum Administrator machen", migrate: "Zur Supergruppe machen", blocked: "Diesen Bot hast du angehalten.",
  general: "Allgemein", new_topic: "Neues Thema", to_whom: "Weiterleiten an", sent_file: "hat eine Datei gesendet",
  joined: "{name} ist der Gruppe beigetreten", left: "{name} hat die Gruppe verlassen", topic_opened: "Thema „{name}“", migrated: "Die Gruppe ist jetzt eine Supergruppe",
  note: "Alles hier bleibt auf diesem Computer.", you: "Du", copied: "Kopiert", searching: "Der Bot wird gefragt …", none: "Nichts gefunden",
  intro: "Schick ein Foto von deinem Hund oder deiner Katze und sieh, wie sie als Baby aussahen.",
};
