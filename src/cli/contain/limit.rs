//! How much memory running a model may take.

use super::Failure;
use std::fs;
use std::path::Path;

/// Overrides the limit; in megabytes.
pub const VARIABLE: &str = "BN_TOOL_MEMORY_LIMIT";

/// The unit of [`VARIABLE`], in bytes.
pub const MEGABYTE: u64 = 1 << 20;

/// The limit in bytes: what the user says, else what the machine has to give, if it tells.
///
/// # Errors
/// When what the user says is not a number.
pub fn of_memory() -> Result<Option<u64>, Failure> {
    let Some(value) = std::env::var_os(VARIABLE) else { return Ok(available().into_iter().chain(cgroup()).min()) };
    let megabytes = value.to_str().and_then(|text| text.parse::<u64>().ok()).filter(|megabytes| *megabytes > 0);
    let problem = || Failure::Usage(format!("{VARIABLE} is {value:?}; expected a number of megabytes"));
    Ok(Some(megabytes.ok_or_else(problem)?.saturating_mul(MEGABYTE)))
}

/// What can be had without swapping.
fn available() -> Option<u64> {
    let info = fs::read_to_string("/proc/meminfo").ok()?;
    let line = info.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// The lowest limit of the control groups around this process.
fn cgroup() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    groups.lines().filter_map(limit_of).min()
}

/// The lowest limit on the way to a group, given as a line of `/proc/self/cgroup`.
fn limit_of(line: &str) -> Option<u64> {
    let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
    let (root, file) = match controllers {
        "" => ("/sys/fs/cgroup", "memory.max"),
        "memory" => ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
        _ => return None,
    };
    let groups = Path::new(path.trim_start_matches('/')).ancestors();
    let limits = groups.filter_map(|group| fs::read_to_string(Path::new(root).join(group).join(file)).ok());
    limits.filter_map(|limit| limit.trim().parse().ok()).min()
}
