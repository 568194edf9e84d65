// Korean.

export default {
  bot: "봇", online: "온라인", absent: "아직 듣고 있지 않아요…", members: "멤버 {n}명",
  typing: "입력 중…", upload_photo: "사진 보내는 중…", record_video: "영상 만드는 중…", upload_video: "영상 보내는 중…",
  upload_document: "파일 보내는 중…",
  message: "메시지", send: "보내기", attach: "첨부", camera: "사진 찍기", photo: "사진", file: "파일", film: "영상",
  album: "앨범", photos: "사진 또는 영상", menu: "명령어", back: "뒤로", more: "더 보기", settings: "설정", down: "맨 아래로",
  start: "시작", reply: "답장", edit: "수정", copy: "복사", remove: "삭제", forward: "전달", edited: "수정됨",
  replying: "{name}에게 답장", editing: "수정", cancel: "취소", ok: "확인", close: "닫기", download: "내려받기",
  caption: "설명 추가…", compress: "사진으로 보내기", compress_hint: "앱처럼 작게 줄여서", as_file: "파일로 보내기",
  as_file_hint: "원본 그대로", send_n: "{n}개 보내기", drop_photo: "여기에 놓으면 사진으로 보냅니다", drop_file: "여기에 놓으면 파일로 보냅니다",
  today: "오늘", yesterday: "어제", forwarded: "{name} 님이 보낸 메시지", via: "@{name} 통해",
  language: "언어", whose: "누구의 휴대폰", chats: "대화", earlier: "이전 메시지", nothing: "아직 대화가 없어요",
  unreadable: "이 사진은 사진으로 보낼 수 없어요. 파일로 보낼까요?", no_answer: "봇이 답하지 않았어요.",
  lost: "플레이그라운드가 꺼져 있어요. 기다리는 중…", shutter: "찍기", no_camera: "카메라가 없어요. 사진을 골라 주세요.",
  new_group: "새 그룹", new_forum: "주제가 있는 새 그룹", new_person: "새 사람", name: "이름", create: "만들기",
  block: "봇 멈추기", unblock: "봇 다시 시작", add_bot: "봇 추가", remove_bot: "봇 내보내기",
  promote: "봇을 관리자로", migrate: "슈퍼그룹으로 바꾸기", blocked: "이 봇을 멈췄어요.",
  general: "일반", new_topic: "새 주제", to_whom: "전달할 대화", sent_file: "파일을 보냈어요",
  joined: "{name} 님이 들어왔어요", left: "{name} 님이 나갔어요", topic_opened: "주제 “{name}”", migrated: "그룹이 슈퍼그룹이 되었어요",
  note: "모든 것은 이 컴퓨터에만 남아요.", you: "나", copied: "복사했어요", searching: "봇에게 묻는 중…", none: "결과 없음",
  intro: "강아지나 고양이 사진을 보내면 아기 때 모습을 보여 드려요.",
};
