//! Writes a release: whole, or not at all.

use super::{CHECKSUMS, PROVENANCE, Release, VERSION, repository, sign::Key};
use crate::image::{self, Image, Layout};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

/// How cosign finds its way in a layout on disk.
const KIND: &str = "kind";
const KIND_OF_INDEX: &str = "dev.cosignproject.cosign/imageIndex";
const KIND_OF_SIGNATURE: &str = "dev.cosignproject.cosign/sigs";

/// A directory that holds something else than a release is nobody's to replace.
pub(super) fn check(output: &Path) -> Result<()> {
    let mut entries = match fs::read_dir(output) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("--output {}", output.display())),
    };
    if entries.next().is_some() && !output.join(CHECKSUMS).is_file() {
        bail!("--output {}: there are files and no {CHECKSUMS}, so it is no release", output.display());
    }
    Ok(())
}

/// Tells what was signed.
pub(super) fn write(
    output: &Path,
    release: &Release,
    repository: &str,
    key: Option<&Key>,
) -> Result<Vec<String>> {
    let parent = output.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
    let partial = tempfile::Builder::new().prefix(".release-").tempdir_in(parent)?;
    // Temporary directories are their owner's alone; a release is for everybody.
    fs::set_permissions(partial.path(), fs::Permissions::from_mode(0o755))?;
    for (name, content) in &release.files {
        let path = partial.path().join(name);
        fs::write(&path, content).with_context(|| format!("write {}", path.display()))?;
        if content.starts_with(b"\x7fELF") {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        }
    }
    let mut signed = Vec::new();
    let full = repository::full(repository);
    let index = release.index.clone().annotated(KIND, KIND_OF_INDEX);
    let mut layout = Layout::default().image(&format!("{full}:{VERSION}"), &index);
    if let Some(key) = key {
        for image in [&release.index].into_iter().chain(&release.images) {
            let (tag, mut signature) = signature(key, &full, image)?;
            if image.digest() == release.index.digest() {
                signature = signature.annotated(KIND, KIND_OF_SIGNATURE);
            }
            layout = layout.image(&format!("{full}:{tag}"), &signature);
            signed.push(format!("image {}", image.digest()));
        }
        for name in [CHECKSUMS, PROVENANCE] {
            let content = release.files.get(name).context(name)?;
            fs::write(partial.path().join(format!("{name}.sig")), key.sign(content)?)?;
            signed.push(name.to_owned());
        }
    }
    layout.write_dir(&partial.path().join("image"))?;
    check(output)?;
    if output.exists() {
        fs::remove_dir_all(output).with_context(|| format!("replace {}", output.display()))?;
    }
    let done: PathBuf = partial.keep();
    fs::rename(&done, output).with_context(|| format!("write {}", output.display()))?;
    Ok(signed)
}

fn signature(key: &Key, repository: &str, image: &Image) -> Result<(String, Image)> {
    let payload = image::payload(repository, image)?;
    let signed = key.sign(&payload)?;
    image::signature(image, payload, &signed)
}

#[cfg(test)]
#[path = "output_tests.rs"]
mod tests;
