//! Shell code, taken apart.

/// The commands of some lines: those that end with a backslash go on, comments stand alone.
pub fn commands<'a>(lines: impl Iterator<Item = &'a str> + 'a) -> impl Iterator<Item = String> + 'a {
    let mut begun = String::new();
    lines.filter_map(move |line| {
        begun += line;
        if line.ends_with('\\') {
            begun.push('\n');
            return None;
        }
        let command = std::mem::take(&mut begun);
        let says_something = !command.trim().is_empty() && !command.trim_start().starts_with('#');
        says_something.then_some(command)
    })
}

#[test]
fn lines_are_joined_and_comments_left_out() {
    let text = "# first\na b \\\n  c\n\nd # e\n";
    assert_eq!(commands(text.lines()).collect::<Vec<_>>(), ["a b \\\n  c", "d # e"]);
}
