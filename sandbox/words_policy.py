"""The words of making one policy out of several."""

from sandbox.words import Words

POLICY = {
    "POLICY_UNREADABLE": Words(
        "Không đọc được tệp chính sách dưới dạng JSON.",
        "The policy file cannot be read as JSON.",
        "Kiểm tra đường dẫn và nội dung tệp (JSON, mã hóa UTF-8).",
        "Check its path and its content (JSON in UTF-8).",
    ),
    "POLICY_CONFLICT": Words(
        "Hai chính sách không thể hợp nhất: mục {key} khác nhau.",
        "Two policies cannot become one: they differ in {key}.",
        "Sửa để mục {key} ở hai chính sách phù hợp với nhau.",
        "Make {key} of the two policies agree.",
    ),
}
