"""The words of mode `template`: a buyer's call (P), and a template that a policy may not have (POLICY_TEMPLATE)."""

from sandbox.words import Words


def _wrong(vi: str, en: str, fix_vi: str, fix_en: str) -> Words:
    return Words(f"Mẫu câu hỏi {{template}}: {vi}", f"Template {{template}}: {en}", fix_vi, fix_en)


TEMPLATE = {
    "P0": Words(
        "Ở đây chỉ trả lời các mẫu câu hỏi đã được Bên cung cấp phê duyệt, không nhận câu lệnh SQL tự viết.",
        "Only questions that the provider has approved are answered here, no SQL of your own.",
        "Các mẫu câu hỏi hiện có: {allowed}. Cách viết: tên(tham_số => giá trị).",
        "The questions there are: {allowed}. Write: name(parameter => value).",
    ),
    "P1": Words(
        "Không có mẫu câu hỏi nào tên là “{value}”.",
        "There is no approved question named “{value}”.",
        "Các mẫu câu hỏi hiện có: {allowed}.",
        "The questions there are: {allowed}.",
    ),
    "P2": Words(
        "Mẫu câu hỏi {template} không có tham số “{parameter}”.",
        "The question {template} has no parameter “{parameter}”.",
        "Các tham số của mẫu câu hỏi này: {allowed}.",
        "Its parameters: {allowed}.",
    ),
    "P3": Words(
        "Mẫu câu hỏi {template} còn thiếu tham số {parameter}.",
        "The question {template} lacks its parameter {parameter}.",
        "Thêm {parameter} với một trong các giá trị: {allowed}.",
        "Add {parameter}, with one of: {allowed}.",
    ),
    "P4": Words(
        "Giá trị “{value}” của tham số {parameter} nằm ngoài phạm vi được phép.",
        "The value “{value}” of parameter {parameter} is not among those allowed.",
        "Giá trị được phép: {allowed}.",
        "Allowed: {allowed}.",
    ),
    "P5": Words(
        "Không đọc được cách gọi mẫu câu hỏi này.",
        "This way of filling in an approved question cannot be read.",
        "Viết như ví dụ: {example}",
        "Write it like this: {example}",
    ),
    "POLICY_TEMPLATE": _wrong(
        "câu lệnh SQL không được chấp nhận ({what}).",
        "its SQL is not accepted ({what}).",
        "Viết một câu lệnh SELECT duy nhất, chỉ dùng những phần được hướng dẫn.",
        "Write a single SELECT that uses the documented parts only.",
    ),
    "POLICY_TEMPLATE:table": _wrong(
        "chỉ được đọc bảng của chính sách và các bảng WITH đã đặt tên, không đọc “{what}”.",
        "only the policy's table and named common tables may be read, not “{what}”.",
        "Bỏ tệp, hàm bảng, truy vấn con và danh mục hệ thống.",
        "Leave out files, table functions, subqueries and the catalogue.",
    ),
    "POLICY_TEMPLATE:unit": _wrong(
        "cột định danh đơn vị được đếm dùng sai chỗ ({what}).",
        "the column that units are counted by is used where it may not be ({what}).",
        "Mỗi bảng WITH phải có cột đó và gộp theo cột đó; ngoài cùng chỉ dùng trong COUNT(DISTINCT).",
        "Every common table has the column and groups by it; outermost it stands in COUNT(DISTINCT) only.",
    ),
    "POLICY_TEMPLATE:join": _wrong(
        "phép nối không theo cột định danh đơn vị ({what}).",
        "a join is not on the column that units are counted by ({what}).",
        "Nối bằng JOIN hoặc LEFT JOIN với điều kiện cột đó của bảng đầu tiên bằng cột đó của bảng được nối.",
        "Use JOIN or LEFT JOIN, ON that column of the first table = that column of the joined one.",
    ),
    "POLICY_TEMPLATE:function": _wrong(
        "không được dùng {what} ở vị trí này.",
        "{what} may not be used in this place.",
        "Chỉ dùng các hàm và phép tính trong danh mục cho phép.",
        "Use only the functions and operators of the list.",
    ),
    "POLICY_TEMPLATE:column": _wrong(
        "không rõ cột “{what}”, hoặc cột này không được dùng.",
        "the column “{what}” is unknown, unclear, or may not be used.",
        "Ghi tên bảng trước tên cột; chỉ dùng các cột của chính sách.",
        "Put its table before it, and use the policy's columns only.",
    ),
    "POLICY_TEMPLATE:output": _wrong(
        "cột kết quả không hợp lệ ({what}).",
        "an output is not in order ({what}).",
        "Đặt tên riêng cho từng cột; ngoài cùng phải có ít nhất một phép thống kê.",
        "Give every output a name of its own; the outermost SELECT needs a statistic.",
    ),
    "POLICY_TEMPLATE:group": _wrong(
        "GROUP BY không khớp với các cột kết quả không phải phép thống kê ({what}).",
        "GROUP BY does not name exactly the outputs that are no statistic ({what}).",
        "Ghi đúng các cột đó, theo tên hoặc theo thứ tự.",
        "Name exactly those, by name or position.",
    ),
    "POLICY_TEMPLATE:quantile": _wrong(
        "phân vị {what} quá gần giá trị của một cá nhân.",
        "the quantile {what} lies too close to the value of one person.",
        "Chọn từ 0.25 đến 0.75.",
        "Choose from 0.25 to 0.75.",
    ),
    "POLICY_TEMPLATE:parameter": _wrong(
        "tham số “{what}” chưa khai báo hoặc không được dùng.",
        "the parameter “{what}” is not declared, or not used.",
        "Khai báo trong parameters và viết $tên trong câu lệnh.",
        "Declare it under parameters and write $name in the SQL.",
    ),
    "POLICY_TEMPLATE:engine": _wrong(
        "không chạy được trên bảng rỗng có các cột của chính sách ({what}).",
        "it does not run over an empty table of the policy's columns ({what}).",
        "Kiểm tra kiểu dữ liệu của các cột và tham số.",
        "Check the types of columns and parameters.",
    ),
}
