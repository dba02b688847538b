"""The words of making one policy out of several."""

from sandbox.words import Words

POLICY = {
    "POLICY_CONFLICT": Words(
        "Hai chính sách không thể hợp nhất: mục {key} khác nhau.",
        "Two policies cannot become one: they differ in {key}.",
        "Sửa để mục {key} ở hai chính sách phù hợp với nhau.",
        "Make {key} of the two policies agree.",
    ),
}
