// English.

export default {
  bot: "bot", online: "online", absent: "not listening yet…", members: "{n} members",
  typing: "typing…", upload_photo: "sending a photo…", record_video: "recording a film…", upload_video: "sending a film…",
  upload_document: "sending a file…",
  message: "Message", send: "Send", attach: "Attach", camera: "Take a photo", photo: "Photo", file: "File", film: "Film",
  album: "Album", photos: "Photo or film", menu: "Commands", back: "Back", more: "More", settings: "Settings", down: "To the end",
  start: "Start", reply: "Reply", edit: "Edit", copy: "Copy", remove: "Delete", forward: "Forward", edited: "edited",
  replying: "Reply to {name}", editing: "Edit", cancel: "Cancel", ok: "OK", close: "Close", download: "Download",
  caption: "Add a caption…", compress: "Send as photo", compress_hint: "Smaller, like the app does it", as_file: "Send as file",
  as_file_hint: "Every byte as it is", send_n: "Send {n}", drop_photo: "Drop here to send as photo", drop_file: "Drop here to send as file",
  today: "Today", yesterday: "Yesterday", forwarded: "Forwarded from {name}", via: "via @{name}",
  language: "Language", whose: "Whose phone", chats: "Chats", earlier: "Earlier messages", nothing: "Nothing said yet",
  unreadable: "This picture cannot be sent as a photo. Sent as a file instead?", no_answer: "The bot did not answer.",
  lost: "The playground is not running. Waiting for it…", shutter: "Shutter", no_camera: "There is no camera here; choose a photo instead.",
  new_group: "New group", new_forum: "New forum with topics", new_person: "New person", name: "Name", create: "Create",
  block: "Stop the bot", unblock: "Start the bot again", add_bot: "Add the bot", remove_bot: "Remove the bot",
  promote: "Make the bot administrator", migrate: "Make it a supergroup", blocked: "You stopped this bot.",
  general: "General", new_topic: "New topic", to_whom: "Forward to", sent_file: "sent a file",
  joined: "{name} joined the group", left: "{name} left the group", topic_opened: "Topic “{name}”", migrated: "The group became a supergroup",
  note: "Everything here stays on this computer.", you: "You", copied: "Copied", searching: "Asking the bot…", none: "Nothing found",
  intro: "Send a photo of your dog or cat and see the puppy or kitten it was.",
};
