"""The words of mode `aggregate_dp`."""

from sandbox.words import Words

PRIVACY = {
    "DP": Words(
        "Các số đã được thêm nhiễu để bảo vệ riêng tư vi phân; sai số kỳ vọng ghi bên cạnh.",
        "The numbers carry noise for differential privacy; the expected error is stated beside them.",
        "Hỏi nhóm lớn hơn thì sai số tương đối nhỏ hơn.",
        "Larger groups have smaller relative errors.",
    ),
    "W7": Words(
        "Giá trị này không thuộc danh mục công khai của cột {column}.",
        "This value is not in the public list of column {column}.",
        "Chọn trong danh mục: {allowed}",
        "Choose from the list: {allowed}",
    ),
    "W8": Words(
        "Các điều kiện trên cột {column} loại trừ lẫn nhau, hoặc nằm ngoài khoảng thời gian công bố.",
        "The conditions on column {column} exclude one another, or lie outside the published period.",
        "Bỏ bớt điều kiện trên cột {column}.",
        "Remove a condition on column {column}.",
    ),
}
