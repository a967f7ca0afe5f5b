import CSV
import Testing

struct CSVWriterTests {
    @Test(arguments: [
        ("=1+1", "'=1+1"), ("+98", "'+98"), ("-1", "'-1"), ("@SUM(A1)", "'@SUM(A1)"), ("\tx", "\"'\tx\""),
        ("  =1", "'  =1"), ("＝1", "'＝1"), ("a,b", "\"a,b\""), ("a\"b", "\"a\"\"b\""), ("نان", "نان"), ("", ""),
        ("a\nb", "\"a\nb\""), ("=\"x\"", "\"'=\"\"x\"\"\""), ("a=b", "a=b"),
    ])
    func cellsAreDefused(text: String, cell: String) { #expect(CSVWriter.cell(text) == cell) }
}
