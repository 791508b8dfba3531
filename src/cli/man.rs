//! `bn-tool man`

use super::error::Failure;
use super::{Status, write_report};
use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Print the manual page, or write the pages of all commands into a folder.
///
/// They say the same as --help.
#[derive(Args)]
#[command(after_help = "Examples:
  bn-tool man | man -l -
  bn-tool man -o ~/.local/share/man/man1        # then: man bn-tool-fold

Exit status:
  0  done
  2  error")]
pub struct Options {
    /// Write a page per command into this folder: bn-tool.1, bn-tool-fold.1 and so on.
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

impl Options {
    pub(super) fn run<C: CommandFactory>(&self) -> Result<Status, Failure> {
        let mut command = C::command();
        command.build();
        match &self.output {
            None => write_report(&String::from_utf8_lossy(&page(&command).map_err(Failure::output)?), false)?,
            Some(folder) => {
                fs::create_dir_all(folder).map_err(|error| Failure::written(folder, error))?;
                write_all(&command, folder)?;
            }
        }
        Ok(Status::Done)
    }
}

/// Writes the page of a command, and those of the commands below it.
fn write_all(command: &Command, folder: &Path) -> Result<(), Failure> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    let path = folder.join(format!("{name}.1"));
    page(command).and_then(|page| fs::write(&path, page)).map_err(|error| Failure::written(&path, error))?;
    command.get_subcommands().try_for_each(|below| write_all(below, folder))
}

fn page(command: &Command) -> io::Result<Vec<u8>> {
    let version = format!("bn-tool {}", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).source(version).manual("bn-tool");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    sections(command).to_writer(&mut page)?;
    Ok(page)
}

/// What stands below the options in the help: a section for each title, its lines as they are.
fn sections(command: &Command) -> Roff {
    let mut roff = Roff::new();
    let below = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    for line in below.lines() {
        match line.strip_suffix(':').filter(|title| !title.starts_with(' ')) {
            Some(title) => roff.control("SH", [title.to_uppercase().as_str()]).control("nf", []),
            None => roff.text([roman(line.strip_prefix("  ").unwrap_or(line))]),
        };
    }
    roff.control("fi", []);
    roff
}
