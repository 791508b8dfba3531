//! The examples of `--help`.

use super::{Command, Lesson, shell};
use crate::tool::run;

/// A command of the tool, and the examples that its help gives.
pub struct Helped {
    /// As one types it: `bn-tool stats merge`.
    pub name: String,
    /// Its examples.
    pub lesson: Lesson,
}

/// The tool, all its commands, and theirs.
pub fn commands() -> Vec<Helped> {
    let mut commands = Vec::new();
    let mut open: Vec<Vec<String>> = vec![Vec::new()];
    while let Some(words) = open.pop() {
        let help = run(&[&words[..], &["--help".into()]].concat());
        assert_eq!(help.status, Some(0), "{words:?}: {}", help.stderr);
        let (name, text) = ([&["bn-tool".into()], &words[..]].concat().join(" "), help.text());
        assert!(block(&text, "Exit status:").is_some(), "`{name} --help` says nothing of exit statuses");
        open.extend(below(&text).map(|word| [&words[..], &[word]].concat()));
        let lines = block(&text, "Examples:").unwrap_or_else(|| panic!("`{name} --help` has no examples"));
        let examples = shell::commands(lines.into_iter()).map(|line| Command { line, output: None });
        commands
            .push(Helped { lesson: Lesson { place: format!("{name} --help"), commands: examples.collect() }, name });
    }
    commands
}

/// The lines below a title, up to the next one, without their indentation.
fn block<'a>(help: &'a str, title: &str) -> Option<Vec<&'a str>> {
    let mut lines = help.lines().skip_while(|line| *line != title);
    lines.next()?;
    let is_title = |line: &str| !line.starts_with(' ') && line.ends_with(':');
    let own = lines.take_while(|line| !is_title(line)).filter(|line| !line.is_empty());
    Some(own.map(|line| line.strip_prefix("  ").unwrap_or_else(|| panic!("too long for a terminal: {line}"))).collect())
}

/// The names of the commands that a command has.
fn below(help: &str) -> impl Iterator<Item = String> {
    let lines = block(help, "Commands:").unwrap_or_default().into_iter();
    let names = lines.filter(|line| !line.starts_with(' ')).filter_map(|line| line.split_whitespace().next());
    names.map(str::to_owned)
}
