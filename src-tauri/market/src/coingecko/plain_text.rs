/// The longest description kept, in characters.
const LONGEST: usize = 20_000;

/// Reduces HTML to plain text: tags and comments vanish, blocks and line breaks become new lines, the content
/// of scripts and styles is dropped, entities are decoded last (so that an escaped tag stays visible as text).
///
/// The result is text to be drawn as text; it is not made for being put back into a page.
pub(super) fn plain_text(html: &str) -> Option<String> {
    let mut text = String::with_capacity(html.len().min(LONGEST));
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        text.push_str(&rest[..open]);
        rest = &rest[open..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        let name = tag_name(&rest[1..]);
        if name.is_empty() {
            // A lone "<" as in "a < b" is text.
            text.push('<');
            rest = &rest[1..];
            continue;
        }
        rest = after_tag(rest);
        match name.as_str() {
            "script" | "style" => rest = after_element(rest, &name),
            "br" | "/p" | "p" | "/div" | "li" | "/ul" | "/ol" | "/h1" | "/h2" | "/h3" | "/h4" => {
                text.push('\n')
            }
            _ => {}
        }
    }
    text.push_str(rest);
    let text = html_escape::decode_html_entities(&text);
    let text = tidy(&text);
    (!text.is_empty()).then_some(text)
}

/// The lower-case name after `<`, with a leading `/` for closing tags; empty where no tag begins.
fn tag_name(after: &str) -> String {
    let (slash, name) = after.strip_prefix('/').map_or(("", after), |name| ("/", name));
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '!' || c == '?') {
        return String::new();
    }
    let end = name.find(|c: char| c.is_whitespace() || matches!(c, '>' | '/')).unwrap_or(name.len());
    format!("{slash}{}", name[..end].to_ascii_lowercase())
}

/// What follows the `>` of the tag at the start of `rest`; a `>` inside quotes does not end it.
fn after_tag(rest: &str) -> &str {
    let mut quote = None;
    for (at, c) in rest.char_indices() {
        match (quote, c) {
            (None, '>') => return &rest[at + 1..],
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    ""
}

fn after_element<'a>(rest: &'a str, name: &str) -> &'a str {
    let closing = format!("</{name}");
    // ASCII lower case keeps every byte's place, so an index found in the copy holds in the original.
    match rest.to_ascii_lowercase().find(&closing) {
        Some(at) => after_tag(&rest[at..]),
        None => "",
    }
}

/// Lines trimmed, at most one empty line in a row, spaces in a line single, control characters gone.
fn tidy(text: &str) -> String {
    let mut tidy = String::new();
    let mut empty_lines = 0;
    for line in text.lines() {
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        let line: String = line.chars().filter(|c| !c.is_control()).collect();
        if line.is_empty() {
            empty_lines += 1;
            continue;
        }
        if !tidy.is_empty() {
            tidy.push_str(if empty_lines > 0 { "\n\n" } else { "\n" });
        }
        empty_lines = 0;
        tidy.push_str(&line);
    }
    match tidy.char_indices().nth(LONGEST) {
        Some((end, _)) => tidy[..end].to_owned(),
        None => tidy,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markup_is_removed_and_words_stay() {
        let cases = [
            (
                "Duck is <a href=\"https://x.y/?a>b\">a chain</a>.\r\n\r\n\r\nIt &amp; you",
                "Duck is a chain.\n\nIt & you",
            ),
            ("a<br/>b<p>c</p>d", "a\nb\nc\nd"),
            ("x<script>alert('<b>')</script>y<STYLE>p{}</Style>z", "xyz"),
            ("a < b and c > d", "a < b and c > d"),
            ("&lt;script&gt;", "<script>"),
            ("before <!-- <b>hidden</b> --> after", "before after"),
            ("cut <a href=\"never closed", "cut"),
            ("<ul><li>one</li><li>two</li></ul>", "one\ntwo"),
            ("1 &nbsp;&#8364; &unknown; &#x110000;", "1 € &unknown; &#x110000;"),
        ];
        for (html, expected) in cases {
            assert_eq!(plain_text(html).as_deref(), Some(expected), "{html}");
        }
        assert_eq!(plain_text(" <p> </p> "), None);
    }

    proptest! {
        #[test]
        fn any_text_is_survived_and_bounded(html in "(<[a-z/!\"' ]{0,6}>?|&[a-z#0-9]{0,5};?|.|\n){0,80}") {
            let text = plain_text(&html).unwrap_or_default();
            prop_assert!(text.chars().count() <= LONGEST);
            prop_assert!(!text.contains('\r'));
        }

        #[test]
        fn text_without_markup_only_loses_space(text in "[a-z0-9 .,]{0,60}") {
            let expected = text.split_whitespace().collect::<Vec<_>>().join(" ");
            prop_assert_eq!(plain_text(&text).unwrap_or_default(), expected);
        }
    }
}
