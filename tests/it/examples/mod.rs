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

use crate::tool::{repository, run};
use std::fs;
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

/// Runs each lesson in a folder of its own; what the commands print. What goes wrong is told together.
fn run_all(lessons: &[Lesson]) -> Vec<Vec<String>> {
    let half = |first: usize| lessons.iter().skip(first).step_by(2).map(workplace::run).collect::<Vec<_>>();
    let mut halves = thread::scope(|scope| {
        let other = scope.spawn(|| half(1));
        [half(0), other.join().expect("it ends")].map(Vec::into_iter)
    });
    let in_order = (0..lessons.len()).filter_map(|at| halves[at % 2].next());
    let (done, failed): (Vec<_>, Vec<_>) = in_order.partition(Result::is_ok);
    let failures: Vec<String> = failed.into_iter().filter_map(Result::err).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    done.into_iter().flatten().collect()
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
    let (mut lessons, mut ends) = (Vec::new(), Vec::new());
    let documents = documents::all();
    for document in &documents {
        lessons.extend(document.lessons());
        ends.push(lessons.len());
    }
    let mut printed = run_all(&lessons);
    if workplace::rewrites() {
        for (document, end) in documents.iter().zip(ends).rev() {
            let start = end - document.lessons().len();
            document.rewrite(&printed.split_off(start));
        }
    }
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let pages = folder.path().join("pages");
    let written = run(&["man".as_ref(), "-o".as_ref(), pages.as_os_str()]);
    assert_eq!((written.status, written.text().as_str()), (Some(0), ""), "{}", written.stderr);
    let names: Vec<String> = help::commands().iter().map(|command| command.name.replace(' ', "-")).collect();
    for name in &names {
        let page =
            fs::read_to_string(pages.join(format!("{name}.1"))).unwrap_or_else(|error| panic!("{name}: {error}"));
        for section in [".SH NAME", ".SH SYNOPSIS", ".SH OPTIONS", ".SH EXAMPLES", ".SH \"EXIT STATUS\""] {
            assert!(page.contains(section), "{name}: no {section}");
        }
        // Here lines are as they are written; in a help, those that are longer than a terminal is wide go on below.
        let lines = page.lines().skip_while(|line| *line != ".SH EXAMPLES").map(|line| line.replace("\\-", "-"));
        let too_long = lines.map(|line| line.replace("\\*(Aq", "'")).find(|line| line.chars().count() > 98);
        assert_eq!(too_long, None, "{name}");
    }
    assert_eq!(fs::read_dir(&pages).expect("a folder").count(), names.len());
    assert_eq!(run(&["man"]).text(), fs::read_to_string(pages.join("bn-tool.1")).expect("it is there"));
    let file = pages.join("bn-tool.1");
    let refused = run(&["man".as_ref(), "-o".as_ref(), file.as_os_str()]);
    assert!(refused.status == Some(2) && refused.stderr.contains("bn-tool.1"), "{}", refused.stderr);
}

#[test]
fn completions_know_every_command_in_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(&["completions", shell]).text();
        for command in help::commands() {
            let word = command.name.rsplit(' ').next().expect("a word");
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn folding_md_names_every_operator_file() {
    let text = fs::read_to_string(repository("docs/folding.md")).expect("it is there");
    for folder in ["src/linear", "src/passage"] {
        for entry in fs::read_dir(repository(folder)).expect("a folder") {
            let name = entry.expect("an entry").file_name();
            let link = format!("(../{folder}/{})", name.display());
            assert!(text.contains(&link), "docs/folding.md has no link {link}");
        }
    }
}

#[test]
fn links_in_documents_lead_somewhere() {
    for document in documents::all() {
        let folder = document.path().parent().expect("a folder").to_path_buf();
        let targets = document.text().split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
        for target in targets.filter(|target| !target.starts_with("http")) {
            let (file, part) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() { document.path().clone() } else { folder.join(file) };
            assert!(path.exists(), "{}: {target}", document.path().display());
            let text = if part.is_empty() { String::new() } else { fs::read_to_string(path).expect("it is a text") };
            let headings = text.lines().filter(|line| line.starts_with('#')).map(documents::anchor);
            assert!(part.is_empty() || headings.into_iter().any(|anchor| anchor == part), "no part {target}");
        }
    }
}
