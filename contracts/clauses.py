"""The wording of the 22 clauses, edition 2026-2. Sentences only; `text.py` fills them from the document.

`BODIES` are the fixed sentences; a {place} takes a fact of the contract, or one of the `CHOICES` that its terms select.
A line whose places all stay empty is not printed.
Sources: Decree 314/2026/NĐ-CP Art. 4.6, 6, 7.6, 7.8, 8.2; Data Law 60/2024/QH15; Law 91/2025/QH15 on personal data
protection and Decree 356/2025/NĐ-CP Art. 7; Law 20/2023/QH15 on electronic transactions; Commercial Law 36/2005/QH11
Art. 301. The Vietnamese text prevails.
"""

from __future__ import annotations

EDITION = "2026-2"

TITLES: dict[str, tuple[str, ...]] = {
    "vi": (
        "Các bên",
        "Sản phẩm dữ liệu",
        "Nguồn gốc và quyền cấp phép của Bên bán",
        "Quyền được cấp",
        "Thời hạn",
        "Mục đích và kịch bản sử dụng",
        "Phạm vi lãnh thổ",
        "Tính độc quyền",
        "Chuyển giao tiếp cho bên thứ ba",
        "Giới hạn về quyền sở hữu trí tuệ",
        "Giá, phí và thuế",
        "Chất lượng dữ liệu",
        "Giao dữ liệu và nghiệm thu",
        "Bảo vệ dữ liệu cá nhân và cấm tái nhận dạng",
        "Bảo mật và nhật ký",
        "Dữ liệu quan trọng, dữ liệu cốt lõi",
        "Gắn nhãn sản phẩm giá trị gia tăng",
        "Kiểm tra, tạm dừng và hủy niêm yết",
        "Thông báo sự cố",
        "Hoàn trả, xóa dữ liệu khi kết thúc",
        "Trách nhiệm, giải quyết tranh chấp và luật áp dụng",
        "Cơ chế thử nghiệm có kiểm soát",
    ),
    "en": (
        "Parties",
        "Data product",
        "Origin and the seller's right to grant",
        "Right granted",
        "Term",
        "Purpose and use scenario",
        "Territory",
        "Exclusivity",
        "Onward transfer",
        "Limits of intellectual property",
        "Price, fees and tax",
        "Data quality",
        "Delivery and acceptance",
        "Personal data and the ban on re-identification",
        "Security and logs",
        "Important and core data",
        "Labelling of value-added products",
        "Inspection, suspension and delisting",
        "Notice of incidents",
        "Return or deletion at the end",
        "Liability, disputes and governing law",
        "Regulatory sandbox",
    ),
}

BODIES: dict[str, tuple[str, ...]] = {
    "vi": (
        "Hợp đồng này được lập {created} giữa các bên sau đây:\n{parties}\n{succession}",
        "Đối tượng của hợp đồng là sản phẩm dữ liệu có mã niêm yết {listing}, gồm các tệp:\n{assets}\n"
        "Danh mục trường dữ liệu và định dạng của từng tệp được xác định bởi mã băm cấu trúc nêu trên.",
        "Bên bán cam đoan dữ liệu được thu thập, tạo lập hoặc nhận chuyển giao hợp pháp, Bên bán có đủ quyền để cấp "
        "quyền theo hợp đồng này và không cấp quá phạm vi quyền mà mình có.",
        "Bên bán cấp cho Bên mua quyền khai thác, sử dụng dữ liệu theo loại giấy phép {licence}. {right}\n"
        "Hợp đồng này không chuyển giao quyền sở hữu dữ liệu.\n{attribution}",
        "Quyền được cấp có hiệu lực từ đầu {starts} đến hết {ends}, tính theo giờ Việt Nam. Hợp đồng chỉ phát sinh "
        "hiệu lực sau khi đã được các bên ký và được ghi vào nhật ký giao dịch của sàn.\n"
        "Hợp đồng không tự động gia hạn. Việc sửa đổi hoặc gia hạn chỉ có hiệu lực khi được lập thành văn bản mới do "
        "các bên ký.\n"
        "Mỗi bên được tạm dừng hoặc chấm dứt hợp đồng trước thời hạn bằng thông báo qua sàn, có nêu lý do; thông báo "
        "có hiệu lực ngay khi được ghi vào nhật ký và không làm mất nghĩa vụ, trách nhiệm đã phát sinh.",
        "Mục đích sử dụng: {purpose}\nKịch bản sử dụng: {scenario}\n"
        "Bên mua chỉ được khai thác, sử dụng dữ liệu cho mục đích và kịch bản nêu trên.",
        "Dữ liệu chỉ được khai thác, sử dụng trong phạm vi: {territory}.",
        "{exclusivity}",
        "{onward}\n{reports}",
        "Các giới hạn về quyền sở hữu trí tuệ do các bên thỏa thuận: {ip_limits}",
        "{price}\n{payment}\n{royalty}\nMỗi bên tự chịu thuế, phí, lệ phí theo quy định của pháp luật. Việc thanh "
        "toán và lập hóa đơn thực hiện theo pháp luật về kế toán, hóa đơn, chứng từ.",
        "Chất lượng, độ chính xác, mức độ đầy đủ, mức độ cập nhật và các hạn chế của dữ liệu là nội dung đã công bố "
        "tại niêm yết của phiên bản nêu ở Điều 2. Bên bán chịu trách nhiệm về tính trung thực của nội dung đã công bố."
        "\n{updates}",
        "{delivery}\n{acceptance}\n{delivery_cap}\n{query_cap}\n{group_floor}\n{hours}",
        "Các bên không mua, bán dữ liệu cá nhân dưới mọi hình thức. Bên mua không được tái nhận dạng cá nhân, kể cả "
        "bằng cách kết hợp với nguồn dữ liệu khác; nếu phát hiện dữ liệu cá nhân thì phải ngừng sử dụng và thông báo "
        "ngay cho Bên bán và sàn.\n{personal}",
        "Mỗi bên áp dụng biện pháp bảo mật phù hợp, chỉ cho người có nhiệm vụ tiếp cận dữ liệu và giữ bí mật thông "
        "tin xác thực. Mọi lần giao dữ liệu, truy vấn và thay đổi trạng thái hợp đồng đều được ghi vào nhật ký giao "
        "dịch của sàn; các bên được xem phần nhật ký liên quan đến mình.\n{history}",
        "Nếu dữ liệu thuộc hoặc được phân loại lại là dữ liệu quan trọng, dữ liệu cốt lõi, các bên thực hiện đầy đủ "
        "nghĩa vụ tương ứng theo pháp luật về dữ liệu: lưu nhật ký xử lý ít nhất sáu tháng, đánh giá rủi ro hằng năm "
        "và không chuyển ra nước ngoài khi chưa được phép.",
        "Sản phẩm do Bên mua tạo ra từ dữ liệu này phải gắn nhãn “giá trị gia tăng, không phải dữ liệu gốc”, kèm "
        "phương pháp, nguồn đầu vào và tần suất cập nhật.",
        "Khi có dấu hiệu vi phạm, đơn vị vận hành sàn được tạm dừng, chấm dứt, hủy niêm yết, áp dụng biện pháp kỹ "
        "thuật để ngăn chặn, lưu giữ chứng cứ và cung cấp cho cơ quan nhà nước có thẩm quyền. Các bên phối hợp khi "
        "được kiểm tra theo pháp luật.\n{audit}",
        "{incident} Trường hợp vi phạm liên quan đến dữ liệu "
        "cá nhân, bên có nghĩa vụ thông báo cho cơ quan chuyên trách bảo vệ dữ liệu cá nhân trong thời hạn 72 giờ kể "
        "từ khi phát hiện.",
        "{deletion}",
        "{liability}\n{penalty}\n{dispute}\nHợp đồng này chịu sự điều chỉnh của pháp luật Việt Nam. Bản tiếng Việt có "
        "giá trị quyết định nếu có khác biệt với bản tiếng Anh.",
        "{trial}",
    ),
    "en": (
        "This contract is made on {created} between:\n{parties}\n{succession}",
        "The subject of the contract is the data product listed as {listing}, made of these files:\n{assets}\n"
        "The fields and the format of each file are those fixed by its schema digest.",
        "The seller warrants that the data were lawfully collected, created or acquired, that it holds the rights "
        "needed to make this grant, and that it grants no more than it holds.",
        "The seller grants the buyer the right to exploit and use the data under licence type {licence}. {right}\n"
        "This contract does not transfer ownership of the data.\n{attribution}",
        "The right runs from the beginning of {starts} to the end of {ends}, Viet Nam time. The contract takes effect "
        "only once the parties have signed it and it is recorded in the transaction log of the exchange.\n"
        "The contract does not renew itself. An amendment or a renewal takes effect only as a new document that the "
        "parties sign.\n"
        "Either party may suspend or end the contract before its term is over by a notice through the exchange that "
        "states the reason; the notice takes effect as soon as it is recorded in the log and leaves duties and "
        "liability that have arisen untouched.",
        "Purpose: {purpose}\nScenario: {scenario}\nThe buyer may exploit and use the data only for that purpose and "
        "in that scenario.",
        "The data may be exploited and used only within: {territory}.",
        "{exclusivity}",
        "{onward}\n{reports}",
        "Limits of intellectual property agreed by the parties: {ip_limits}",
        "{price}\n{payment}\n{royalty}\nEach party bears its own taxes, fees and charges as the law provides. Payment "
        "and invoicing follow the law on accounting, invoices and vouchers.",
        "The quality, accuracy, completeness, currency and limitations of the data are those published with the "
        "listing of the version named in Clause 2. The seller answers for the truth of what it published.\n"
        "{updates}",
        "{delivery}\n{acceptance}\n{delivery_cap}\n{query_cap}\n{group_floor}\n{hours}",
        "The parties do not buy or sell personal data in any form. The buyer must not re-identify any person, also not "
        "by combining the data with other sources; on finding personal data it must stop using them and tell the "
        "seller and the exchange at once.\n{personal}",
        "Each party takes appropriate security measures, gives access only to people whose task requires it, and keeps "
        "credentials secret. Every delivery, query and change of state of the contract is recorded in the transaction "
        "log of the exchange; each party may see the records that concern it.\n{history}",
        "If the data are, or are reclassified as, important or core data, the parties fulfil the duties that data law "
        "attaches to them: processing logs kept for at least six months, a yearly risk assessment, and no transfer "
        "abroad without permission.",
        "A product that the buyer makes from these data must be labelled “value-added, not original data”, with its "
        "method, input sources and update rate.",
        "On signs of a breach the operator of the exchange may suspend, end or delist, block by technical means, keep "
        "evidence and hand it to the competent authority. The parties co-operate in lawful inspections.\n"
        "{audit}",
        "{incident} Where a breach concerns "
        "personal data, the party under that duty notifies the authority in charge of personal data protection within "
        "72 hours of finding it.",
        "{deletion}",
        "{liability}\n{penalty}\n{dispute}\nThis contract is governed by the law of Viet Nam. If the Vietnamese and "
        "the English text differ, the Vietnamese text prevails.",
        "{trial}",
    ),
}

CHOICES: dict[str, dict[str, str]] = {
    "vi": {
        "succession": "Khi đã có hiệu lực và đã đến ngày bắt đầu nêu ở Điều 5, hợp đồng này thay thế hợp đồng có mã "
        "băm {supersedes}; trước thời điểm đó, hợp đồng bị thay thế vẫn giữ nguyên hiệu lực.",
        "role_provider": "Bên bán",
        "role_consumer": "Bên mua",
        "role_operator": "Đơn vị vận hành sàn",
        "right_L0": "Bên mua được đọc, sử dụng lại và phân phối lại dữ liệu mở.",
        "right_L1": "Bên mua chỉ được xem, thử dữ liệu trong môi trường thử nghiệm dữ liệu của sàn.",
        "right_L2": "Bên mua chỉ được truy vấn để nhận kết quả; không được lấy dữ liệu gốc.",
        "right_L3": "Bên mua được sử dụng dữ liệu trong nội bộ tổ chức của mình, không độc quyền.",
        "right_L4": "Bên mua được sử dụng dữ liệu để tạo ra và kinh doanh sản phẩm giá trị gia tăng, không được "
        "chuyển nguyên trạng dữ liệu.",
        "right_L5": "Bên mua được sử dụng và phân phối lại dữ liệu, và phải báo cáo cho Bên bán các bên nhận lại.",
        "right_L6": "Bên mua được sử dụng dữ liệu với tư cách là bên duy nhất.",
        "right_L7": "Bên mua được sử dụng dữ liệu để nghiên cứu phi thương mại và chỉ công bố kết quả tổng hợp.",
        "right_L8": "Bên mua được sử dụng dữ liệu để huấn luyện mô hình trí tuệ nhân tạo; mô hình không được tái tạo "
        "dữ liệu gốc.",
        "attribution": "Bên mua phải ghi rõ nguồn dữ liệu là {provider} khi công bố hoặc sử dụng.",
        "exclusive": "Quyền được cấp là độc quyền: trong thời hạn, mục đích và lãnh thổ nêu trên, Bên bán không cấp "
        "quyền trùng lặp cho bên khác.",
        "not_exclusive": "Quyền được cấp là không độc quyền; Bên bán được cấp quyền cho bên khác.",
        "onward_none": "Bên mua không được chuyển giao, chia sẻ dữ liệu hoặc quyền được cấp cho bên thứ ba.",
        "onward_derived-only": "Bên mua chỉ được chuyển giao cho bên thứ ba sản phẩm giá trị gia tăng tạo ra từ dữ "
        "liệu, không được chuyển giao dữ liệu nguyên trạng.",
        "onward_allowed": "Bên mua được chuyển giao dữ liệu cho bên thứ ba; bên thứ ba chịu các điều kiện của hợp "
        "đồng này.",
        "price_some": "Giá của quyền được cấp là {amount}, chưa bao gồm thuế giá trị gia tăng.",
        "price_with_vat": "Giá của quyền được cấp là {amount}, đã bao gồm thuế giá trị gia tăng.",
        "price_none": "Quyền được cấp miễn phí.",
        "payment": "Bên mua thanh toán trong thời hạn {payment_days} kể từ ngày hợp đồng được ghi vào nhật ký giao "
        "dịch của sàn.",
        "royalty": "Bên mua trả cho Bên bán {royalty_percent}% doanh thu từ sản phẩm tạo ra từ dữ liệu và từ việc phân "
        "phối lại dữ liệu, kèm bảng kê doanh thu, sau khi kết thúc mỗi quý.",
        "reports": "Bên mua báo cáo cho Bên bán danh sách các bên nhận lại dữ liệu, {report_days} một lần.",
        "updates": "Trong thời hạn hợp đồng, Bên bán cập nhật dữ liệu ít nhất {update_days} một lần. Mỗi bản cập "
        "nhật được niêm yết thành phiên bản mới và được giao cho Bên mua theo văn bản sửa đổi hợp đồng, không tính "
        "thêm tiền.",
        "acceptance": "Trong thời hạn {acceptance_days} kể từ ngày nhận, Bên mua được nêu ý kiến về dữ liệu không đúng "
        "hợp đồng; hết thời hạn mà không có ý kiến thì coi như đã nghiệm thu.",
        "hours": "Bên mua được sử dụng môi trường thử nghiệm dữ liệu trong {max_hours} kể từ lần sử dụng đầu tiên.",
        "personal": "Dữ liệu cá nhân chỉ được chuyển giao hợp pháp ngoài sàn, không thu tiền, theo các nội dung sau "
        "đây:\na) Mục đích: theo Điều 6.\nb) Chủ thể và loại dữ liệu cá nhân: {personal_data}\nc) Thời hạn: theo "
        "Điều 5; dữ liệu cá nhân được xóa theo Điều 20.\nd) Căn cứ pháp lý: {personal_basis}\nđ) Bên nhận bảo vệ dữ "
        "liệu cá nhân theo pháp luật và Điều 15, không lập kho dữ liệu cá nhân cho mục đích khác.\ne) Các bên bảo "
        "đảm quyền của chủ thể dữ liệu và trả lời yêu cầu của họ trong thời hạn luật định.\ng) Các bên phối hợp xử "
        "lý khi có vi phạm về bảo vệ dữ liệu cá nhân.",
        "audit": "Bên bán được kiểm tra việc sử dụng dữ liệu của Bên mua, mỗi năm không quá một lần, sau khi báo trước "
        "{audit_days}; Bên bán giữ bí mật thông tin biết được khi kiểm tra.",
        "incident_now": "Bên phát hiện sự cố dữ liệu thông báo ngay cho bên kia và cho sàn.",
        "incident_within": "Bên phát hiện sự cố dữ liệu thông báo cho bên kia và cho sàn trong thời hạn "
        "{incident_hours} kể từ khi phát hiện.",
        "liability": "Bên vi phạm bồi thường thiệt hại theo quy định của pháp luật.",
        "liability_capped": "Bên vi phạm bồi thường thiệt hại theo quy định của pháp luật, tổng mức không quá "
        "{liability_cap_vnd}, trừ trường hợp cố ý vi phạm, vi phạm Điều 14 hoặc pháp luật không cho phép giới hạn.",
        "penalty": "Ngoài bồi thường thiệt hại, bên vi phạm chịu phạt {penalty_percent}% giá trị phần nghĩa vụ hợp "
        "đồng bị vi phạm.",
        "dispute_court": "Tranh chấp được giải quyết trước hết bằng thương lượng, có sự hỗ trợ của sàn; nếu không đạt "
        "kết quả thì do Tòa án có thẩm quyền của Việt Nam giải quyết.",
        "dispute_viac": "Tranh chấp được giải quyết trước hết bằng thương lượng, có sự hỗ trợ của sàn; nếu không đạt "
        "kết quả thì được giải quyết bằng trọng tài tại Trung tâm Trọng tài Quốc tế Việt Nam (VIAC) theo Quy tắc tố "
        "tụng trọng tài của Trung tâm này.",
        "delivery_files": "Bên bán giao dữ liệu bằng cách cho phép tải tệp qua sàn. Bên mua nghiệm thu bằng cách đối "
        "chiếu mã băm của tệp nhận được với mã băm nêu ở Điều 2; mã băm trùng khớp là đã giao đúng.",
        "delivery_answers": "Dữ liệu không rời khỏi sàn. Bên mua gửi truy vấn và chỉ nhận kết quả trả lời; không được "
        "sao chép, tải xuống hoặc trích xuất dữ liệu gốc.",
        "deliveries_capped": "Số lần giao tối đa: {max_deliveries}.",
        "deliveries_free": "Số lần giao trong thời hạn hợp đồng không hạn chế.",
        "queries_capped": "Số lượt truy vấn tối đa: {max_queries}.",
        "group_floor": "Kết quả tổng hợp chỉ được trả lời cho nhóm có từ {min_group} đối tượng trở lên.",
        "deletion": "Khi hợp đồng kết thúc, Bên mua ngừng sử dụng, hoàn trả hoặc xóa dữ liệu cùng mọi bản sao và gửi "
        "bằng chứng xóa cho Bên bán qua sàn trong thời hạn {deletion_days}.",
        "deletion_open": "Bên mua không phải xóa dữ liệu mở khi hợp đồng kết thúc.",
        "history": "Khi lập hợp đồng, các bên đã thấy nhật ký {origin} ở kích thước {size} với giá trị băm gốc {root}; "
        "chữ ký của các bên xác nhận trạng thái này.",
        "trial": "Hợp đồng được thực hiện trong khuôn khổ thử nghiệm có kiểm soát theo giấy chứng nhận số {cert_no}. "
        "Bên mua xác nhận đã đọc thông báo thử nghiệm phiên bản {notice_version}. Việc thử nghiệm có thể bị tạm dừng "
        "hoặc chấm dứt theo quyết định của cơ quan có thẩm quyền; hoàn thành thử nghiệm không đương nhiên được kinh "
        "doanh.",
        "no_trial": "Hợp đồng này không được thực hiện trong khuôn khổ thử nghiệm có kiểm soát.",
    },
    "en": {
        "succession": "Once it is in force and the first day named in Clause 5 has come, this contract takes the place "
        "of the contract with the digest {supersedes}; until then that one stays in force unchanged.",
        "role_provider": "Seller",
        "role_consumer": "Buyer",
        "role_operator": "Operator of the exchange",
        "right_L0": "The buyer may read, reuse and redistribute the open data.",
        "right_L1": "The buyer may only view and try the data in the test room of the exchange.",
        "right_L2": "The buyer may only query the data and receive answers; it may not take the original data.",
        "right_L3": "The buyer may use the data inside its own organisation, not exclusively.",
        "right_L4": "The buyer may use the data to make and sell value-added products, and may not pass the data on "
        "as they are.",
        "right_L5": "The buyer may use and redistribute the data, and reports to the seller who receives them.",
        "right_L6": "The buyer may use the data as the only one to do so.",
        "right_L7": "The buyer may use the data for non-commercial research and publishes aggregates only.",
        "right_L8": "The buyer may use the data to train artificial-intelligence models; a model must not reproduce "
        "the original data.",
        "attribution": "The buyer must name {provider} as the source when publishing or using the data.",
        "exclusive": "The right is exclusive: within the term, purpose and territory above the seller grants no "
        "overlapping right to others.",
        "not_exclusive": "The right is not exclusive; the seller may grant rights to others.",
        "onward_none": "The buyer may not transfer or share the data or the right with any third party.",
        "onward_derived-only": "The buyer may hand third parties only value-added products made from the data, not "
        "the data as they are.",
        "onward_allowed": "The buyer may transfer the data to third parties, who are bound by the conditions of this "
        "contract.",
        "price_some": "The price of the right is {amount}, without value-added tax.",
        "price_with_vat": "The price of the right is {amount}, including value-added tax.",
        "price_none": "The right is granted free of charge.",
        "payment": "The buyer pays within {payment_days} of the day on which the contract is recorded in the "
        "transaction log of the exchange.",
        "royalty": "The buyer pays the seller {royalty_percent}% of the revenue from products made from the data and "
        "from redistributing the data, with a statement of that revenue, after the end of each quarter.",
        "reports": "The buyer reports to the seller who has received the data, every {report_days}.",
        "updates": "During the term the seller updates the data at least every {update_days}. Each update is listed "
        "as a new version and delivered to the buyer under an amendment of the contract, without further charge.",
        "acceptance": "Within {acceptance_days} of receipt the buyer may object to data that are not as agreed; "
        "without an objection in that time the delivery counts as accepted.",
        "hours": "The buyer may use the test room for {max_hours} from its first use.",
        "personal": "Personal data pass only lawfully, outside the exchange and free of charge, on these terms:\n"
        "a) Purpose: as in Clause 6.\n"
        "b) Data subjects and kinds of personal data: {personal_data}\n"
        "c) Term: as in Clause 5; the personal data are deleted under Clause 20.\n"
        "d) Legal basis: {personal_basis}\n"
        "e) The recipient protects the personal data as the law and Clause 15 require, and builds no store of them for "
        "another purpose.\n"
        "f) The parties uphold the rights of the data subjects and answer their requests in the time the law sets.\n"
        "g) The parties co-operate when the protection of personal data is breached.",
        "audit": "The seller may inspect the buyer's use of the data, at most once a year, after {audit_days} of "
        "notice; it keeps secret what it learns.",
        "incident_now": "A party that finds a data incident tells the other party and the exchange at once.",
        "incident_within": "A party that finds a data incident tells the other party and the exchange within "
        "{incident_hours} of finding it.",
        "liability": "A party in breach compensates the damage as the law provides.",
        "liability_capped": "A party in breach compensates the damage as the law provides, up to {liability_cap_vnd} "
        "in total, except for intent, a breach of Clause 14, or where the law allows no limit.",
        "penalty": "Besides the damage, a party in breach pays a penalty of {penalty_percent}% of the value of the "
        "duty that was broken.",
        "dispute_court": "Disputes are first settled by negotiation with the help of the exchange; failing that, by "
        "the competent court of Viet Nam.",
        "dispute_viac": "Disputes are first settled by negotiation with the help of the exchange; failing that, by "
        "arbitration at the Vietnam International Arbitration Centre (VIAC) under its Rules of Arbitration.",
        "delivery_files": "The seller delivers by letting the buyer download the files through the exchange. The "
        "buyer accepts by comparing the digest of each file received with the digest in Clause 2; equal digests mean "
        "that the delivery is right.",
        "delivery_answers": "The data do not leave the exchange. The buyer sends queries and receives answers only; "
        "copying, downloading or extracting the original data is not allowed.",
        "deliveries_capped": "Deliveries at most: {max_deliveries}.",
        "deliveries_free": "The number of deliveries during the term is not limited.",
        "queries_capped": "Queries at most: {max_queries}.",
        "group_floor": "Aggregates are answered only for groups of {min_group} units or more.",
        "deletion": "When the contract ends the buyer stops using the data, returns or deletes them with every copy, "
        "and sends proof of deletion to the seller through the exchange within {deletion_days}.",
        "deletion_open": "The buyer need not delete open data when the contract ends.",
        "history": "When the contract was made the parties had seen the log {origin} at size {size} with root {root}; "
        "their signatures confirm that state.",
        "trial": "The contract is performed within the regulatory sandbox under certificate {cert_no}. The buyer "
        "confirms having read the trial notice, version {notice_version}. The trial may be suspended or ended by the "
        "competent authority; completing it gives no right to do business by itself.",
        "no_trial": "This contract is not performed within a regulatory sandbox.",
    },
}
