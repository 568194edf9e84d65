// Japanese.

export default {
  bot: "ボット", online: "オンライン", absent: "まだ受信していません…", members: "メンバー {n} 人",
  typing: "入力中…", upload_photo: "写真を送信中…", record_video: "動画を作成中…", upload_video: "動画を送信中…",
  upload_document: "ファイルを送信中…",
  message: "メッセージ", send: "送信", attach: "添付", camera: "写真を撮る", photo: "写真", file: "ファイル", film: "動画",
  album: "アルバム", photos: "写真または動画", menu: "コマンド", back: "戻る", more: "その他", settings: "設定", down: "一番下へ",
  start: "開始", reply: "返信", edit: "編集", copy: "コピー", remove: "削除", forward: "転送", edited: "編集済み",
  replying: "{name} に返信", editing: "編集", cancel: "キャンセル", ok: "OK", close: "閉じる", download: "ダウンロード",
  caption: "キャプションを追加…", compress: "写真として送信", compress_hint: "アプリと同じように小さくします", as_file: "ファイルとして送信",
  as_file_hint: "元のまま送ります", send_n: "{n} 件を送信", drop_photo: "ここにドロップすると写真として送信します", drop_file: "ここにドロップするとファイルとして送信します",
  today: "今日", yesterday: "昨日", forwarded: "{name} さんから転送", via: "@{name} 経由",
  language: "言語", whose: "だれのスマホ", chats: "チャット", earlier: "以前のメッセージ", nothing: "まだ何もありません",
  unreadable: "この画像は写真として送れません。ファイルとして送りますか？", no_answer: "ボットから返事がありませんでした。",
  lost: "プレイグラウンドが動いていません。待っています…", shutter: "シャッター", no_camera: "カメラがありません。写真を選んでください。",
  new_group: "新しいグループ", new_forum: "トピックのある新しいグループ", new_person: "新しい人", name: "名前", create: "作成",
  block: "ボットを停止", unblock: "ボットを再開", add_bot: "ボットを追加", remove_bot: "ボットを外す",
  promote: "ボットを管理者にする", migrate: "スーパーグループにする", blocked: "このボットを停止しました。",
  general: "一般", new_topic: "新しいトピック", to_whom: "転送先", sent_file: "ファイルを送りました",
  joined: "{name} さんが参加しました", left: "{name} さんが退出しました", topic_opened: "トピック「{name}」", migrated: "グループがスーパーグループになりました",
  note: "すべてこのコンピューターの中だけに残ります。", you: "あなた", copied: "コピーしました", searching: "ボットに聞いています…", none: "見つかりませんでした",
  intro: "犬や猫の写真を送ると、小さかった頃の姿をお見せします。",
};
