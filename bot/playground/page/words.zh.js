// Chinese.

export default {
  bot: "机器人", online: "在线", absent: "还没有开始接收…", members: "{n} 位成员",
  typing: "正在输入…", upload_photo: "正在发送照片…", record_video: "正在制作视频…", upload_video: "正在发送视频…",
  upload_document: "正在发送文件…",
  message: "消息", send: "发送", attach: "添加附件", camera: "拍照", photo: "照片", file: "文件", film: "视频",
  album: "相册", photos: "照片或视频", menu: "命令", back: "返回", more: "更多", settings: "设置", down: "到底部",
  start: "开始", reply: "回复", edit: "编辑", copy: "复制", remove: "删除", forward: "转发", edited: "已编辑",
  replying: "回复 {name}", editing: "编辑", cancel: "取消", ok: "好", close: "关闭", download: "下载",
  caption: "添加说明…", compress: "作为照片发送", compress_hint: "像应用那样压缩", as_file: "作为文件发送",
  as_file_hint: "原样发送", send_n: "发送 {n} 项", drop_photo: "拖到这里，作为照片发送", drop_file: "拖到这里，作为文件发送",
  today: "今天", yesterday: "昨天", forwarded: "转发自 {name}", via: "通过 @{name}",
  language: "语言", whose: "谁的手机", chats: "聊天", earlier: "更早的消息", nothing: "还没有消息",
  unreadable: "这张图片不能作为照片发送。改为作为文件发送吗？", no_answer: "机器人没有回应。",
  lost: "演示服务没有运行，正在等待…", shutter: "快门", no_camera: "这里没有摄像头，请选择一张照片。",
  new_group: "新建群组", new_forum: "新建带话题的群组", new_person: "新建人物", name: "名字", create: "创建",
  block: "停用机器人", unblock: "重新启用机器人", add_bot: "添加机器人", remove_bot: "移除机器人",
  promote: "设机器人为管理员", migrate: "升级为超级群组", blocked: "你已停用这个机器人。",
  general: "综合", new_topic: "新话题", to_whom: "转发给", sent_file: "发送了文件",
  joined: "{name} 加入了群组", left: "{name} 离开了群组", topic_opened: "话题“{name}”", migrated: "群组已升级为超级群组",
  note: "这里的一切都只留在这台电脑上。", you: "你", copied: "已复制", searching: "正在询问机器人…", none: "没有找到",
  intro: "发一张狗狗或猫咪的照片，看看它小时候的样子。",
};
