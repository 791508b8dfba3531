//! Fenced code in the documents.
//!
//! Of ```` ```sh ```` every line is run, of ```` ```yaml ```` what stands behind `run:`. In ```` ```console ````
//! commands follow a `$`, and what they print follows them. What stands under one heading is run in one folder.

use super::{Command, Lesson, shell};
use crate::tool::repository;
use std::fs;
use std::path::PathBuf;

/// The lessons of README.md and of all files in docs/.
pub fn lessons() -> Vec<Lesson> {
    paths().iter().flat_map(|path| of_text(path, &fs::read_to_string(repository(path)).expect("it is there"))).collect()
}

/// README.md and all files in docs/.
fn paths() -> Vec<String> {
    let docs = fs::read_dir(repository("docs")).expect("a folder");
    let paths = docs.map(|entry| PathBuf::from("docs").join(entry.expect("an entry").file_name()));
    let texts = paths.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let mut paths: Vec<String> = texts.map(|path| path.display().to_string()).collect();
    paths.sort();
    [vec!["README.md".into()], paths].concat()
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
