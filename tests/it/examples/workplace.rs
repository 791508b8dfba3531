//! A folder in which lines can be typed.

use super::{Command, Lesson, models};
use crate::tool::repository;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process;
use tempfile::TempDir;

/// Programs that need a terminal, a repository or an installation, by what they do here.
const INSTEAD: [(&str, &str); 5] = [
    ("less", "cat"),
    ("man", "cat"),
    ("gh", ":"),
    // git show REVISION:FILE
    ("git", r#"cat "${2#*:}""#),
    // cargo run --release -- …, cargo install …
    ("cargo", r#"case $1 in run) shift 3; exec bn-tool "$@";; esac"#),
];

/// Programs that not every machine has; where there is one, it is run.
const OTHERWISE: [(&str, &str); 1] = [("jq", "cat > /dev/null")];

/// What some lines need that others would have made.
const BEFORE: [(&str, &str); 4] = [
    (
        "merge part",
        "for i in 1 2; do bn-tool stats collect model.onnx --data images/ --shard $i/2 -o part$i.safetensors; done",
    ),
    ("day1.safetensors", "bn-tool stats collect model.onnx --data x.npy --samples 64 -o day1.safetensors"),
    ("day2.safetensors", "bn-tool stats collect model.onnx --data images.npy -o day2.safetensors"),
    ("show merged.safetensors", "bn-tool stats collect model.onnx --data x.npy -o merged.safetensors"),
];

/// Folders that a shell's user has.
const HOME: [&str; 3] = [".local/share/bash-completion/completions", ".config/fish/completions", ".zfunc"];

/// A folder with models and data, and a shell.
pub struct Workplace(TempDir);

/// Types all lines of a lesson, one after the other, in a place of its own; what each prints.
///
/// # Errors
/// The first that does something else than is said.
pub fn run(lesson: &Lesson) -> Result<Vec<String>, String> {
    let place = Workplace::new();
    for (_, line) in BEFORE.iter().filter(|(needle, _)| lesson.commands.iter().any(|own| own.line.contains(needle))) {
        place.type_in(&Command { line: (*line).into(), output: None })?;
    }
    let typed = lesson.commands.iter().map(|command| place.type_in(command));
    typed.collect::<Result<_, _>>().map_err(|failure| format!("{}: {failure}", lesson.place))
}

impl Workplace {
    pub fn new() -> Self {
        let place = tempfile::tempdir().expect("a temporary folder");
        let folder = place.path();
        models::put_all(folder);
        symlink(repository("fixtures"), folder.join("fixtures")).expect("it is linked");
        HOME.iter().for_each(|own| fs::create_dir_all(folder.join("home").join(own)).expect("it is made"));
        put_programs(&folder.join("bin"), &INSTEAD);
        symlink(env!("CARGO_BIN_EXE_bn-tool"), folder.join("bin/bn-tool")).expect("it is linked");
        put_programs(&folder.join("otherwise"), &OTHERWISE);
        Workplace(place)
    }

    /// Types a line; what it prints.
    ///
    /// # Errors
    /// When that, or the exit status, is something else than is said.
    pub fn type_in(&self, command: &Command) -> Result<String, String> {
        let folder = self.0.path();
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{path}:{}", folder.join("bin").display(), folder.join("otherwise").display());
        let mut shell = process::Command::new("sh");
        shell.args(["-c", &command.line]).current_dir(folder).env("PATH", path).env("HOME", folder.join("home"));
        let ran = shell.output().expect("there is a shell");
        let (printed, said) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        let fail = |what: String| Err(format!("`{}` {what}\n{printed}{said}", command.line));
        if ran.status.code() != Some(command.status()) {
            return fail(format!("ends with {}, not {}", ran.status, command.status()));
        }
        // In a pipe the exit status is that of the last program.
        if command.status() == 0 && said.lines().any(|line| line.starts_with("error")) {
            return fail("says that there is an error".into());
        }
        match &command.output {
            Some(shown) if !is_alike(shown, &printed) && !rewrites() => {
                fail(format!("prints not what is shown (INSTA_UPDATE=always writes it down):\n{shown}"))
            }
            _ => Ok(printed.into_owned()),
        }
    }
}

fn put_programs(folder: &Path, programs: &[(&str, &str)]) {
    fs::create_dir(folder).expect("it is made");
    for (name, body) in programs {
        let path = folder.join(name);
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).expect("it is written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is made a program");
    }
}

/// Whether what is printed is to be written down.
pub fn rewrites() -> bool {
    std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always")
}

/// Whether two outputs are the same but for figures that depend on the machine, or on random samples. Blanks in a row are
/// one.
pub fn is_alike(a: &str, b: &str) -> bool {
    a.lines().map(line_without_figures).eq(b.lines().map(line_without_figures))
}

/// What stands behind such numbers, and before them.
const UNITS: [&str; 5] = ["ms", "s", "μs", "%", "dB"];
const TITLES: [&str; 2] = ["within", "sample"];

/// A line with one sign in the place of each figure: numbers that are no integers, that have a unit, distances in units in the
/// last place, the place of an element, the number of a sample.
fn line_without_figures(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let masked = |(at, word): (usize, &&str)| {
        let number = word.trim_matches(['(', ')', ',', ':', ';', '[', ']']);
        let is_real = number.contains(['.', 'e']) && number.parse::<f64>().is_ok();
        let is_integer = number.parse::<u64>().is_ok();
        let has_unit = words.get(at + 1).is_some_and(|unit| UNITS.contains(&unit.trim_end_matches(',')));
        let has_title = at > 0 && TITLES.contains(&words[at - 1]);
        let is_index = word.starts_with('[') || word.ends_with([',', ']']) || word.ends_with("]:");
        let is_figure = is_real || number.ends_with("/s") || is_integer && (has_unit || has_title || is_index);
        if is_figure && number.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
            word.replace(number, "#")
        } else {
            (*word).to_owned()
        }
    };
    let line = words.iter().enumerate().map(masked).collect::<Vec<_>>().join(" ");
    // Which of the two it is depends on the order in which the processor's vectors add.
    line.replace(FURTHER, CLOSE)
}

/// How it is said that what was folded is not as close to exact as the original, and that it is.
const FURTHER: &str = "# from exact, the original #, as rounding the weights explains";
const CLOSE: &str = "as close to exact as the original (# and #)";

#[test]
fn figures_are_one_sign() {
    for (line, masked) in [
        ("4 folded · 16 → 12 nodes · 38 ms", "4 folded · 16 → 12 nodes · # ms"),
        ("same within 4.5e-7 (f64: -3.3e-7 from exact)", "same within # (f64: # from exact)"),
        ("100 samples,   4978/s · 97.00 %, SQNR 14 dB, 1 with N = 2", "100 samples, # · # %, SQNR # dB, 1 with N = 2"),
        ("at [0, 39, 3] of sample 4 it is -2", "at [#, #, #] of sample # it is -2"),
        ("half within 3, all within 576", "half within #, all within #"),
        (
            "same: 3e-7 from exact, the original 1e-7, as rounding the weights explains · 5",
            "same: as close to exact as the original (# and #) · 5",
        ),
        ("no. e seconds", "no. e seconds"),
    ] {
        assert_eq!(line_without_figures(line), masked);
    }
}
