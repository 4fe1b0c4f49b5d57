//! Whether an executable needs nothing of the machine that it runs on.

use anyhow::{Context, Result, bail};

const DYNAMIC: u32 = 2;
const INTERPRETER: u32 = 3;
/// The entry of the dynamic section that names a library.
const NEEDED: u64 = 1;

/// Fails if it is for another machine, or if it asks for a loader or a library.
pub(super) fn check_static(file: &[u8], machine: u16) -> Result<()> {
    if file.get(..6) != Some(&[0x7f, b'E', b'L', b'F', 2, 1]) {
        bail!("not an ELF file of 64 bits, little endian");
    }
    let found = u16_at(file, 18)?;
    if found != machine {
        bail!("made for ELF machine {found}, not {machine}");
    }
    let (start, size, count) =
        (usize::try_from(u64_at(file, 32)?)?, usize::from(u16_at(file, 54)?), usize::from(u16_at(file, 56)?));
    for header in (0..count).map(|index| start + index * size) {
        let kind = u32_at(file, header)?;
        let content =
            (usize::try_from(u64_at(file, header + 8)?)?, usize::try_from(u64_at(file, header + 32)?)?);
        if kind == INTERPRETER {
            bail!("not static: it asks for the loader {}", text(file, content)?);
        }
        if kind == DYNAMIC && needs_a_library(file, content)? {
            bail!("not static: it asks for shared libraries");
        }
    }
    Ok(())
}

/// A static executable that can be loaded anywhere has a dynamic section, too: its relocations of itself.
fn needs_a_library(file: &[u8], (start, size): (usize, usize)) -> Result<bool> {
    for entry in (start..start + size).step_by(16) {
        match u64_at(file, entry)? {
            0 => break,
            NEEDED => return Ok(true),
            _ => {}
        }
    }
    Ok(false)
}

fn text(file: &[u8], (start, size): (usize, usize)) -> Result<String> {
    let bytes = file.get(start..start + size).context("cut off")?;
    Ok(String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned())
}

fn bytes_at<const N: usize>(file: &[u8], at: usize) -> Result<[u8; N]> {
    let bytes = file.get(at..).and_then(|rest| rest.first_chunk()).context("cut off")?;
    Ok(*bytes)
}

fn u16_at(file: &[u8], at: usize) -> Result<u16> {
    bytes_at(file, at).map(u16::from_le_bytes)
}

fn u32_at(file: &[u8], at: usize) -> Result<u32> {
    bytes_at(file, at).map(u32::from_le_bytes)
}

fn u64_at(file: &[u8], at: usize) -> Result<u64> {
    bytes_at(file, at).map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: u16 = 62;

    /// One header, whose content follows it.
    fn elf(kind: u32, content: &[u8]) -> Vec<u8> {
        let mut file = vec![0; 120];
        file[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1]);
        file[18..20].copy_from_slice(&MACHINE.to_le_bytes());
        file[32..40].copy_from_slice(&64_u64.to_le_bytes());
        file[54..56].copy_from_slice(&56_u16.to_le_bytes());
        file[56..58].copy_from_slice(&1_u16.to_le_bytes());
        file[64..68].copy_from_slice(&kind.to_le_bytes());
        file[72..80].copy_from_slice(&120_u64.to_le_bytes());
        file[96..104].copy_from_slice(&(content.len() as u64).to_le_bytes());
        file.extend(content);
        file
    }

    fn entries(tags: &[u64]) -> Vec<u8> {
        tags.iter().flat_map(|tag| [tag.to_le_bytes(), [0; 8]].concat()).collect()
    }

    #[test]
    fn segments_of_code_and_relocations_of_itself_are_static() {
        check_static(&elf(1, b"code"), MACHINE).unwrap();
        check_static(&elf(DYNAMIC, &entries(&[7, 8, 0, NEEDED])), MACHINE).unwrap();
    }

    #[test]
    fn a_loader_and_a_library_are_not() {
        let loader = check_static(&elf(INTERPRETER, b"/lib64/ld-linux.so.2\0"), MACHINE).unwrap_err();
        assert!(loader.to_string().ends_with("/lib64/ld-linux.so.2"), "{loader}");
        let library = check_static(&elf(DYNAMIC, &entries(&[7, NEEDED])), MACHINE).unwrap_err();
        assert!(library.to_string().contains("shared libraries"), "{library}");
    }

    #[test]
    fn this_very_test_is_not_static() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let machine = u16_at(&own, 18).unwrap();
        let error = check_static(&own, machine).unwrap_err().to_string();
        assert!(error.contains("loader /lib"), "{error}");
    }

    #[test]
    fn other_machines_other_files_and_halves_are_refused() {
        assert!(check_static(&elf(1, b""), 183).is_err());
        assert!(check_static(b"#!/bin/sh\n", MACHINE).is_err());
        assert!(check_static(&elf(1, b"")[..100], MACHINE).is_err());
        assert!(check_static(&elf(DYNAMIC, &entries(&[7]))[..124], MACHINE).is_err());
    }
}
