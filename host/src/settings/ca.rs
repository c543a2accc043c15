//! Certificates of authorities, from a file that the settings name.

use super::file::Section;

/// Maximum size of the file, in bytes. A bundle of all public authorities takes a quarter of it.
const CA_BYTES_MAX: u64 = 1 << 20;

/// The contents of `ca_file`. The file is read here, with the settings, so that a reload notices what has changed in it.
pub(super) fn read(section: &mut Section<'_, '_>) -> Option<String> {
    let path = section.text("ca_file")?;
    let file = section.file();
    let read = file.read_text(&path.key, &file.beside(path.value), CA_BYTES_MAX);
    read.map_err(|error| section.report("ca_file", format!("cannot be read: {error}"))).ok()
}
