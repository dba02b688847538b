"""What earlier editions of the clauses said otherwise: contracts signed under one are printed in its words for ever.

Parties could add nothing to the terms under edition 2026-1, so none of the later sentences has a place in it.
"""

from __future__ import annotations

# Edition -> language -> number of the clause -> its body then.
OLDER: dict[str, dict[str, dict[int, str]]] = {
    "2026-1": {
        "vi": {
            5: "Quyền được cấp có hiệu lực từ đầu {starts} đến hết {ends}, tính theo giờ Việt Nam. Hợp đồng chỉ phát "
            "sinh hiệu lực sau khi đã được các bên ký và được ghi vào nhật ký giao dịch của sàn.",
            21: "Bên vi phạm bồi thường thiệt hại theo quy định của pháp luật. Tranh chấp được giải quyết trước hết "
            "bằng thương lượng, có sự hỗ trợ của sàn; nếu không đạt kết quả thì do Tòa án có thẩm quyền của Việt Nam "
            "giải quyết. Hợp đồng này chịu sự điều chỉnh của pháp luật Việt Nam. Bản tiếng Việt có giá trị quyết "
            "định nếu có khác biệt với bản tiếng Anh.",
        },
        "en": {
            5: "The right runs from the beginning of {starts} to the end of {ends}, Viet Nam time. The contract "
            "takes effect only once the parties have signed it and it is recorded in the transaction log of the "
            "exchange.",
            21: "A party in breach compensates the damage as the law provides. Disputes are first settled by "
            "negotiation with the help of the exchange; failing that, by the competent court of Viet Nam. This "
            "contract is governed by the law of Viet Nam. If the Vietnamese and the English text differ, the "
            "Vietnamese text prevails.",
        },
    },
}
