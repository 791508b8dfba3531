//! Models are run in a child process: the engine can exhaust the memory, overflow its stack or
//! crash, and whoever does that cannot report it.
//!
//! The child is the same program with the same arguments. It has a limit of memory, and dies with
//! its parent. Files appear whole or not at all, so its death leaves nothing behind.

pub(super) mod limit;

use super::error::Failure;
use super::{interrupt, report_error, stderr};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use std::io::{self, IsTerminal, Write};
use std::os::unix::process::{ExitStatusExt, parent_id};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, ExitStatus};

/// Tells the child that it is one: its parent's process id, and its limit of memory in bytes.
const MARKER: &str = "BN_TOOL_CHILD";

/// Lets glibc keep what the engine frees instead of giving it back to the system and asking for it again,
/// activation by activation: a third fewer page faults, 5 % of the time on ResNet-50, 6 % more memory. What one
/// thread frees is of use to all: a third less memory for a verification of ResNet-50, in the same time.
const ALLOCATOR: [(&str, &str); 3] =
    [("MALLOC_TRIM_THRESHOLD_", "2000000000"), ("MALLOC_MMAP_THRESHOLD_", "33554432"), ("MALLOC_ARENA_MAX", "1")];

/// What a command that runs models puts at risk.
pub struct Risk {
    /// The models.
    pub models: Vec<PathBuf>,
    /// What else there is to say when the engine dies of them.
    pub way_out: &'static str,
}

/// Runs this program again in a child, and returns the exit status of that. `None` in the child,
/// and where no child can be had: the command is to be run here.
///
/// # Errors
/// When the limit that the user asks for is not a number, or the child cannot be watched.
pub fn in_child(risk: Risk) -> Result<Option<ExitCode>, Failure> {
    if let Ok(marker) = std::env::var(MARKER) {
        confine(&marker);
        return Ok(None);
    }
    let limit = limit::of_memory()?;
    interrupt::keep_dead_children();
    let Ok(mut child) = spawn(limit) else { return Ok(None) };
    forward_signals(&child);
    match child.wait() {
        Ok(status) => Ok(Some(outcome(status, &risk, limit))),
        Err(error) => Err(Failure::Usage(format!("the process that runs the models is lost: {error}"))),
    }
}

fn spawn(limit: Option<u64>) -> io::Result<Child> {
    let marker = format!("{} {}", std::process::id(), limit.unwrap_or(u64::MAX));
    let mut child = Command::new(std::env::current_exe()?);
    child.args(std::env::args_os().skip(1)).env(MARKER, marker);
    for (variable, value) in ALLOCATOR {
        if std::env::var_os(variable).is_none() {
            child.env(variable, value);
        }
    }
    child.spawn()
}

/// The child's part. What the system does not have is gone without.
fn confine(marker: &str) {
    let mut numbers = marker.split(' ').map_while(|number| number.parse::<u64>().ok());
    let (parent, limit) = (numbers.next(), numbers.next());
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    if parent != Some(parent_id().into()) {
        // Nobody waits for us any more, or the variable is somebody else's.
        report_error(&format!("{MARKER} is set, but not by a parent that is there; unset it"));
        std::process::exit(2);
    }
    // Not address space: threads reserve much of that, and use little.
    restrict(Resource::Data, limit.unwrap_or(u64::MAX));
    restrict(Resource::Core, 0);
    let _ = stderr::reserve();
}

fn restrict(resource: Resource, limit: u64) {
    let old = getrlimit(resource);
    let current = old.current.map_or(limit, |old| old.min(limit));
    let _ = setrlimit(resource, Rlimit { current: Some(current), maximum: old.maximum });
}

/// Whoever ends us means our child.
fn forward_signals(child: &Child) {
    let child = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    interrupt::on_signal(move |signal| {
        if let (Some(child), Some(signal)) = (child, Signal::from_named_raw(signal)) {
            let _ = kill_process(child, signal);
        }
    });
}

/// The child's exit status is ours; its death is one line.
fn outcome(status: ExitStatus, risk: &Risk, limit: Option<u64>) -> ExitCode {
    let Some(signal) = status.signal() else {
        return ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(2));
    };
    let kind = Signal::from_named_raw(signal);
    if [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT, Signal::PIPE].into_iter().any(|end| kind == Some(end)) {
        interrupt::die_of(signal);
    }
    if io::stderr().is_terminal() {
        // A progress bar may be left.
        let _ = io::stderr().write_all(b"\r\x1b[K");
    }
    report_error(&obituary(kind, signal, risk, limit));
    ExitCode::from(2)
}

fn obituary(kind: Option<Signal>, signal: i32, risk: &Risk, limit: Option<u64>) -> String {
    let name = |model: &PathBuf| match model.to_str() {
        Some("-") => "standard input".into(),
        _ => format!("`{}`", model.display()),
    };
    let models: Vec<_> = risk.models.iter().map(name).collect();
    let what = format!("the engine died of signal {signal} while it ran {}", models.join(" and "));
    let way_out = risk.way_out;
    match (kind, limit) {
        (Some(Signal::ABORT), Some(limit)) => format!(
            "{what}: most likely it takes more memory than the limit of {} MB (set another with {}=MEGABYTES), \
             or is nested too deeply{way_out}",
            limit / limit::MEGABYTE,
            limit::VARIABLE,
        ),
        (Some(Signal::KILL), _) => format!("{what}: most likely the system ran out of memory{way_out}"),
        _ => format!("{what}{way_out}"),
    }
}
