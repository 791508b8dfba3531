//! The command line: one file per command, the flags that commands share in one.

mod arguments;
mod completions;
mod contain;
mod data;
mod diff;
mod error;
mod estimation;
mod explain;
mod fold;
mod initialize;
mod insert;
mod inspect;
mod interrupt;
mod man;
mod memory;
mod prepare;
mod print;
mod progress;
mod recalibrate;
mod recorder;
mod result;
mod stats;
mod stderr;
mod strip_bias;
mod verification;
mod verify;
mod warning;

use clap::{Parser, Subcommand};
use contain::Risk;
use error::Failure;
use std::io::{self, Write};
use std::process::ExitCode;
use stderr::stderr;

/// Fold, insert, strip, recalibrate, verify and compare BatchNormalization in ONNX models.
///
/// A BatchNormalization in inference mode is a map per channel, y = s·x + t. `fold` lets the
/// operators before or after it take the map in, confirms that the outputs are unchanged, and
/// only then writes the file. For each BatchNormalization that stays it says why. `insert` is the
/// way back: it puts maps that change nothing between affine layers and their activations. `strip-bias`
/// moves biases into means, `recalibrate` measures statistics anew on data, `diff` shows what changed.
#[derive(Parser)]
#[command(name = "bn-tool", version, max_term_width = 100, disable_help_subcommand = true)]
#[command(after_help = "Examples:
  bn-tool inspect model.onnx
  bn-tool fold model.onnx -o folded.onnx
  bn-tool verify model.onnx folded.onnx
  bn-tool fold --help

Exit status:
  0  done, or the same
  1  differs, or a check failed: no model is written
  2  error: nothing is written")]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// When to use colours; NO_COLOR is respected.
    #[arg(long, global = true, value_enum, default_value_t = arguments::Color::Auto, value_name = "WHEN")]
    color: arguments::Color,
}

#[derive(Subcommand)]
enum Command {
    Fold(fold::Options),
    Insert(insert::Options),
    StripBias(strip_bias::Options),
    Recalibrate(recalibrate::Options),
    Verify(verify::Options),
    Diff(diff::Options),
    Inspect(inspect::Options),
    Print(print::Options),
    Stats(stats::Options),
    Explain(explain::Options),
    Completions(completions::Options),
    Man(man::Options),
}

/// Parses the arguments, runs the command, and returns the exit status. A panic would be a bug of
/// ours; it is an error in one line like all others.
pub fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or(String::new(), |place| format!(" at {}:{}", place.file(), place.line()));
        report_error(&format!("this is a bug of bn-tool, please report it: {}{place}", panic_message(panic)));
    }));
    std::panic::catch_unwind(run).unwrap_or(ExitCode::from(2))
}

fn panic_message(panic: &std::panic::PanicHookInfo) -> String {
    let payload = panic.payload();
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default()
}

fn report_error(message: &str) {
    let style = anstyle::AnsiColor::Red.on_default().bold();
    // There is nothing to do about it when standard error is closed.
    let _ = stderr().and_then(|mut out| writeln!(out, "{style}error{style:#}: {}", one_line(message)));
}

fn run() -> ExitCode {
    let cli = Cli::parse();
    cli.color.apply();
    match cli.command.risk().map_or(Ok(None), contain::in_child) {
        Ok(None) => finish(cli.command.run()),
        Ok(Some(status)) => status,
        Err(failure) => finish(Err(failure)),
    }
}

impl Command {
    /// What it risks, if it runs models.
    fn risk(&self) -> Option<Risk> {
        match self {
            Command::Fold(options) => options.risk(),
            Command::Insert(options) => options.risk(),
            Command::StripBias(options) => options.risk(),
            Command::Recalibrate(options) => Some(options.risk()),
            Command::Verify(options) => Some(options.risk()),
            Command::Stats(options) => options.risk(),
            Command::Diff(_)
            | Command::Inspect(_)
            | Command::Print(_)
            | Command::Explain(_)
            | Command::Completions(_)
            | Command::Man(_) => None,
        }
    }

    fn run(self) -> Result<Status, Failure> {
        match self {
            Command::Fold(options) => options.run(),
            Command::Insert(options) => options.run(),
            Command::StripBias(options) => options.run(),
            Command::Recalibrate(options) => options.run(),
            Command::Verify(options) => options.run(),
            Command::Diff(options) => options.run(),
            Command::Inspect(options) => options.run(),
            Command::Print(options) => options.run(),
            Command::Stats(options) => options.run(),
            Command::Explain(options) => options.run(),
            Command::Completions(options) => options.run::<Cli>(),
            Command::Man(options) => options.run::<Cli>(),
        }
    }
}

/// Reports a failure, and turns all into an exit status.
fn finish(result: Result<Status, Failure>) -> ExitCode {
    match result {
        Ok(status) => status.into(),
        Err(Failure::Quiet) => ExitCode::SUCCESS,
        // Whoever reads the pipe knows; but what was written is not a whole model.
        Err(Failure::Save(error)) if error.is_broken_pipe() => ExitCode::from(2),
        Err(failure) => {
            report_error(&failure.to_string());
            if let Some(snippet) = failure.snippet() {
                let _ = stderr().and_then(|mut out| writeln!(out, "{snippet}"));
            }
            ExitCode::from(if matches!(failure, Failure::Unverified(_)) { 1 } else { 2 })
        }
    }
}

/// A message on one line: names in models can hold line breaks, escape sequences, and megabytes.
fn one_line(message: &str) -> String {
    const LONGEST: usize = 2000;
    let mut line = crate::report::printable(message);
    if let Some((cut, _)) = line.char_indices().nth(LONGEST) {
        line.truncate(cut);
        line.push('…');
    }
    line
}

/// What the exit status says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    /// Done, or the same.
    Done,
    /// Different, or a check failed.
    Differs,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> ExitCode {
        match status {
            Status::Done => ExitCode::SUCCESS,
            Status::Differs => ExitCode::from(1),
        }
    }
}

/// Writes a report to standard output, or to standard error when the model goes to standard
/// output.
fn write_report(text: &str, to_stderr: bool) -> Result<(), Failure> {
    let written = if to_stderr {
        stderr().and_then(|mut out| out.write_all(text.as_bytes()))
    } else {
        let mut out = anstream::stdout();
        out.write_all(text.as_bytes()).and_then(|()| out.flush())
    };
    written.map_err(Failure::output)
}

impl Failure {
    /// An error of writing to standard output. A reader that has seen enough (`| head`) is
    /// not an error.
    fn output(error: io::Error) -> Failure {
        if error.kind() == io::ErrorKind::BrokenPipe { Failure::Quiet } else { Failure::Output(error) }
    }
}
