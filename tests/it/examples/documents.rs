//! Fenced code in the documents.
//!
//! Of ```` ```sh ```` every line is run, of ```` ```yaml ```` what stands behind `run:`. In ```` ```console ````
//! commands follow a `$`, and what they print follows them. What stands under one heading is run in one folder.

use super::{Command, Lesson, shell, workplace};
use crate::tool::repository;
use std::fs;
use std::path::PathBuf;

/// A document of the repository.
pub struct Document {
    path: PathBuf,
    name: String,
    text: String,
}

/// README.md and all files in docs/.
pub fn all() -> Vec<Document> {
    let docs = fs::read_dir(repository("docs")).expect("a folder");
    let names = docs.map(|entry| format!("docs/{}", entry.expect("an entry").file_name().display()));
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".md")).collect();
    names.sort();
    let document = |name: String| {
        let path = repository(&name);
        Document { text: fs::read_to_string(&path).expect("it is a text"), path, name }
    };
    [vec!["README.md".into()], names].concat().into_iter().map(document).collect()
}

impl Document {
    /// Where it is.
    pub fn path(&self) -> &PathBuf {
        &self.path
    }

    /// What it says.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it tells to type.
    pub fn lessons(&self) -> Vec<Lesson> {
        of_text(&self.name, &self.text)
    }

    /// Shows what is printed, where that is something else.
    pub fn rewrite(&self, printed: &[Vec<String>]) {
        let commands = self.lessons().into_iter().flat_map(|lesson| lesson.commands);
        let printed = commands.zip(printed.iter().flatten()).filter_map(|(command, printed)| {
            let shown = command.output?;
            Some(if workplace::is_alike(&shown, printed) { shown } else { printed.clone() })
        });
        fs::write(&self.path, with_outputs(&self.text, printed)).expect("it is written");
    }
}

/// The name of a heading in links.
pub fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches(['#', ' ']).to_lowercase();
    kept.chars().filter(|c| c.is_alphanumeric() || *c == '-' || *c == ' ').collect::<String>().replace(' ', "-")
}

/// The text with other outputs behind the commands that have one.
fn with_outputs(text: &str, mut outputs: impl Iterator<Item = String>) -> String {
    let (mut new, mut in_console, mut in_command) = (String::new(), false, false);
    for line in text.lines() {
        if line.starts_with("```") {
            in_console = line == "```console";
        }
        let is_command = line.starts_with("$ ") || in_command;
        if in_console && !is_command && !line.starts_with("```") {
            continue;
        }
        new += &format!("{line}\n");
        in_command = in_console && is_command && line.ends_with('\\');
        if in_console && is_command && !in_command {
            new += &outputs.next().expect("an output for each command");
        }
    }
    new
}

fn of_text(path: &str, text: &str) -> Vec<Lesson> {
    let mut lessons = vec![Lesson { place: path.into(), commands: Vec::new() }];
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.starts_with('#') {
            let place = format!("{path}: {}", line.trim_start_matches(['#', ' ']));
            lessons.push(Lesson { place, commands: Vec::new() });
        }
        let Some(language) = line.strip_prefix("```") else { continue };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let commands = match language {
            "sh" => plain(&block),
            "console" => with_output(&block),
            "yaml" => steps(&block),
            _ => Vec::new(),
        };
        lessons.last_mut().expect("one at least").commands.extend(commands);
    }
    lessons.retain(|lesson| !lesson.commands.is_empty());
    lessons
}

fn plain(block: &[&str]) -> Vec<Command> {
    shell::commands(block.iter().copied()).map(|line| Command { line, output: None }).collect()
}

fn with_output(block: &[&str]) -> Vec<Command> {
    let mut commands: Vec<Command> = Vec::new();
    let mut goes_on = false;
    for line in block {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (None, Some(command)) if goes_on => command.line += &format!("\n{line}"),
            (None, Some(command)) => *command.output.get_or_insert_default() += &format!("{line}\n"),
            (typed, _) => {
                let line = typed.unwrap_or_else(|| panic!("no command prints `{line}`")).to_owned();
                commands.push(Command { line, output: Some(String::new()) });
            }
        }
        goes_on = line.ends_with('\\');
    }
    commands
}

/// What the steps of a workflow run: `run: COMMAND`, or indented lines below `run: |`. What the workflow puts in,
/// `${{ … }}`, is a word.
fn steps(block: &[&str]) -> Vec<Command> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut commands = Vec::new();
    for (at, line) in block.iter().enumerate() {
        let Some((_, step)) = line.split_once("run: ") else { continue };
        let below = block[at + 1..].iter().take_while(|below| indent(below) > indent(line)).map(|line| line.trim());
        let lines: Vec<&str> = if step == "|" { below.collect() } else { vec![step] };
        commands.extend(plain(&lines).into_iter().map(|command| Command { line: filled_in(&command.line), ..command }));
    }
    commands
}

fn filled_in(line: &str) -> String {
    match line.split_once("${{").and_then(|(before, rest)| Some((before, rest.split_once("}}")?.1))) {
        Some((before, after)) => filled_in(&format!("{before}word{after}")),
        None => line.to_owned(),
    }
}

#[test]
fn code_is_found_in_each_kind_of_block() {
    let text = "# A\n```sh\na\n```\n## B\n```console\n$ b \\\n  c\nprinted\n$ d\n```\n```yaml\n- run: |\n    e\n    f\n- run: g ${{ h }}\n```\n";
    let lessons = of_text("x.md", text);
    let lines = |lesson: &Lesson| lesson.commands.iter().map(|command| command.line.clone()).collect::<Vec<_>>();
    assert_eq!((lessons[0].place.as_str(), lines(&lessons[0])), ("x.md: A", vec!["a".into()]));
    assert_eq!(lines(&lessons[1]), ["b \\\n  c", "d", "e", "f", "g word"]);
    let printed: Vec<_> = lessons[1].commands.iter().map(|command| command.output.as_deref()).collect();
    assert_eq!(printed, [Some("printed\n"), Some(""), None, None, None]);
}

#[test]
fn outputs_are_put_behind_their_commands() {
    let text = "a\n```console\n$ b \\\n  c\nold\n$ d\n```\n$ e\n";
    let outputs = ["new\nnewer\n".to_owned(), String::new()];
    let expected = "a\n```console\n$ b \\\n  c\nnew\nnewer\n$ d\n```\n$ e\n";
    assert_eq!(with_outputs(text, outputs.into_iter()), expected);
}
