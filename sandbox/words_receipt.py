"""What is wrong with a receipt, in words."""

from collections.abc import Mapping

from sandbox.words import Words

RECEIPT: Mapping[str, Words] = {
    "RECEIPT_FORM": Words(
        "Đây không phải là biên nhận của một câu trả lời, hoặc biên nhận không đúng mẫu.",
        "This is no receipt of an answer, or not in its form.",
        "Dùng đúng tệp biên nhận đã tải từ phòng thử nghiệm.",
        "Use the file of the receipt as the test room gave it.",
    ),
    "RECEIPT_KEY": Words(
        "Biên nhận được ký bằng khóa khác ({kid}).",
        "The receipt is signed with another key ({kid}).",
        "Lấy khóa công khai của sàn đã cấp biên nhận.",
        "Fetch the public key of the exchange that gave the receipt.",
    ),
    "RECEIPT_SIGNATURE": Words(
        "Chữ ký của biên nhận không đúng: nội dung đã bị thay đổi.",
        "The receipt's signature does not hold: its text was changed.",
        "Tải lại biên nhận từ phòng thử nghiệm.",
        "Fetch the receipt from the test room again.",
    ),
    "RECEIPT_ANSWER": Words(
        "Biên nhận không phải của câu trả lời này.",
        "The receipt is not the one of this answer.",
        "Dùng câu trả lời đi kèm biên nhận, không thêm bớt cột hay dòng.",
        "Use the answer that came with the receipt, every column and row of it.",
    ),
}
