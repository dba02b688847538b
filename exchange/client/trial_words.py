"""What the client says about a trial's life: in Vietnamese and English, read by words.py."""

from collections.abc import Mapping

TRIAL: Mapping[str, tuple[str, str]] = {
    "TRIAL": (
        "Giấy chứng nhận {cert_no} do {authority} cấp: {state}. Mã: {id}",
        "Certificate {cert_no} issued by {authority}: {state}. Id: {id}",
    ),
    "TRIAL_PERIOD": (
        "Từ {first} đến hết {last}, cấp độ {level}.",
        "From {first} to the end of {last}, level {level}.",
    ),
    "TRIAL_CAP": ("Hạn mức {cap}: đã dùng {used} trên {limit}", "Limit {cap}: {used} used of {limit}"),
    "TRIAL_EVENT": ("{at}  {kind}  {why}", "{at}  {kind}  {why}"),
    "TRIAL_JOINED": (
        "Đã tham gia thử nghiệm, đã xác nhận thông báo phiên bản {version}. Bản ghi: {event}",
        "Takes part in the trial, notice version {version} accepted. Log record: {event}",
    ),
    "TRIAL_LEAVE_CONFIRM": (
        "Ngừng tham gia thử nghiệm? Hợp đồng đã ký vẫn giữ nguyên.",
        "Leave the trial? Contracts stay as they are.",
    ),
    "TRIAL_LEFT": ("Đã ngừng tham gia thử nghiệm. Bản ghi: {event}", "Left the trial. Log record: {event}"),
    "TRIAL_TERMINATE_CONFIRM": (
        "Chấm dứt thử nghiệm {id}? Không thể khôi phục.",
        "Terminate the trial {id}? This cannot be undone.",
    ),
    "TRIAL_CLOSE_CONFIRM": (
        "Kết thúc thử nghiệm {id}? Không thể mở lại.",
        "Close the trial {id}? It cannot be opened again.",
    ),
    "TRIAL_APPLICATION": (
        "Hồ sơ {id}: {state}; hạn xem xét {due}.",
        "Application {id}: {state}; to be decided by {due}.",
    ),
    "TRIAL_GRANTED": (
        "Đã cấp giấy chứng nhận {cert_no} cho thử nghiệm {id}. Bản ghi: {event}",
        "Certificate {cert_no} issued for the trial {id}. Log record: {event}",
    ),
    "TRIAL_REPORT": (
        "Báo cáo {id} ({kind}) cho kỳ đến {until}; mã băm: {state}",
        "Report {id} ({kind}) of the period until {until}; digest: {state}",
    ),
    "TRIAL_REPORT_CONFIRM": (
        "Xác nhận báo cáo cho kỳ đến {until} đầy đủ, đúng sự thật và nộp? Báo cáo đã nộp không sửa được.",
        "State that the report until {until} is complete and true, and submit it? It cannot be changed afterwards.",
    ),
    "REPORT_FORM": (
        "{path}: tên tệp phải có đuôi .pdf hoặc .json.",
        "{path}: the file's name must end in .pdf or .json.",
    ),
    "TRIAL_INCIDENT": (
        "Sự cố {id} ({severity}); phải báo cáo trước {due}; báo cáo lúc {reported_at}",
        "Incident {id} ({severity}); to be reported by {due}; reported at {reported_at}",
    ),
    "TRIAL_DONE": ("Đã ghi nhận: {id}", "Recorded: {id}"),
}
