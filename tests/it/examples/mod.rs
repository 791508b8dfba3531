//! Whatever a help or a document tells users to type is run, and does what is said of it.
//!
//! A line is a shell command as it stands there. Its exit status is 0, unless a comment behind it says
//! otherwise: `# exit status 1: they differ`. A command whose output is shown has to print that, but for
//! figures that depend on the machine.

mod documents;
mod help;
mod json;
mod models;
mod shell;
mod workplace;

use std::thread;

/// What is said in one place, and is run in one folder.
struct Lesson {
    /// Where it is said.
    place: String,
    commands: Vec<Command>,
}

/// A line to type, and what it prints, if that is shown.
struct Command {
    line: String,
    output: Option<String>,
}

impl Command {
    /// The exit status that a comment announces.
    fn status(&self) -> i32 {
        let comment = self.line.split_once("# exit status ").map(|(_, comment)| comment);
        let digits = comment.and_then(|comment| comment.split(|c: char| !c.is_ascii_digit()).next());
        digits.map_or(0, |digits| digits.parse().unwrap_or_else(|_| panic!("no exit status: {}", self.line)))
    }
}

/// Runs each lesson in a folder of its own; what went wrong is told together.
fn run_all(lessons: &[Lesson]) {
    let failures: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> = (0..2)
            .map(|first| {
                let own = lessons.iter().skip(first).step_by(2);
                scope.spawn(|| own.filter_map(|lesson| workplace::run(lesson).err()).collect::<Vec<_>>())
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("it ends")).collect()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn each_command_has_two_examples_that_run() {
    let commands = help::commands();
    assert!(commands.len() > 12, "{}", commands.len());
    for command in &commands {
        let own = command.lesson.commands.iter().filter(|own| own.line.contains(&command.name)).count();
        assert!(own >= 2, "`{} --help` has {own} examples", command.name);
    }
    run_all(&commands.into_iter().map(|command| command.lesson).collect::<Vec<_>>());
}

#[test]
fn documents_show_what_runs() {
    let lessons = documents::lessons();
    assert!(lessons.iter().any(|lesson| lesson.place.starts_with("docs/cookbook.md")));
    run_all(&lessons);
}
