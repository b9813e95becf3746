import CodecKit
import Testing

@Suite struct `The width of text` {
    @Test(arguments: [
        ("", 0), ("abc", 3), ("Größe", 5), ("e\u{301}", 1), ("倉庫-1", 6), ("창고", 4), ("ｱ", 1), ("Ａ", 2), ("📦", 2), ("Ω…", 2),
    ])
    func `counts two columns where a terminal takes two`(text: String, columns: Int) {
        #expect(TextWidth.columns(of: text) == columns)
    }
}
