"""How the demo's trial came about: an authority is recorded, the operator applies, the authority approves."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session

from exchange.catalogue.vocabulary import SECTORS
from exchange.permissions import Actor
from exchange.trials import applications, authorities, enrolments, incidents, rules
from exchange.trials.dossier import Dossier
from sandbox.rules import Entity
from sandbox.trial import Approver

Do = Callable[[Callable[[Session, datetime], Any]], Any]

SOUND = Entity(vietnamese=True, reorganising=False, licence_valid_to=None, manager_degree="it", manager_years=5)


def dossier(today: date) -> Dossier:
    """What the demo's operator applies for."""
    return Dossier(
        question="Doanh nghiệp có mua bán dữ liệu theo nhóm, không lộ thông tin cá nhân, trên một sàn minh bạch không?",
        measure="Ít nhất 10 hợp đồng được thực hiện; không có sự cố nghiêm trọng; mọi bản ghi kiểm chứng được.",
        participants="Tổ chức trong năm lĩnh vực ưu tiên, được chọn công khai theo thứ tự đăng ký.",
        sectors=tuple(SECTORS),
        classes=("MO", "TC", "GT", "KN"),
        verbs=rules.VERBS,
        level=2,
        territory=("VN",),
        valid_from=today,
        valid_to=today + timedelta(days=364),
        safeguards=(
            "Dữ liệu không rời phòng thử nghiệm; chỉ trả lời số liệu theo nhóm.",
            "Kiểm duyệt mọi sản phẩm dữ liệu trước khi niêm yết.",
            "Nhật ký không sửa được, có bên chứng kiến độc lập.",
        ),
        security_valid_to=today + timedelta(days=700),
        notice_version="1",
    )


def permit(do: Do, operator: Actor, regulator: Actor, today: date) -> str:
    """From the authority's record to the certificate; returns the version of the notice."""
    do(
        lambda session, now: authorities.record_authority(
            session, operator, regulator.org_id, Approver.MINISTRY, (), "Quyết định trình diễn, không có thật", now
        )
    )
    drawn = do(lambda session, now: applications.save(session, operator, "", dossier(today), now))
    do(lambda session, now: applications.submit(session, operator, drawn.id, now))
    grant = applications.Grant("TRINH-DIEN-01/2026", conditions="Giấy chứng nhận trình diễn, không có giá trị pháp lý.")
    trial = do(lambda session, now: applications.approve(session, regulator, drawn.id, grant, now))
    return str(trial.notice_version)


def join(do: Do, member: Actor, notice_version: str) -> None:
    """A member states what is asked and accepts the notice."""
    do(lambda session, now: enrolments.enrol(session, member, notice_version, now, SOUND))


def mishap(do: Do, seller: Actor, operator: Actor, trial_id: str) -> None:
    """A small incident that the seller tells of, and what becomes of it."""
    what = "Trang tải dữ liệu trả lời chậm trong vài phút khi nhiều người cùng tải."

    def told(session: Session, now: datetime) -> Any:
        account = incidents.Account("minor", "outage", what, now, measures="Đã báo đơn vị vận hành.")
        return incidents.tell(session, seller, trial_id, account, now)

    row = do(told)
    cause, remedy = "Một máy chủ phải phục vụ quá nhiều lượt tải.", "Giới hạn số lượt tải cùng lúc của mỗi tổ chức."
    do(lambda session, now: incidents.close(session, operator, row.id, cause, remedy, now))
