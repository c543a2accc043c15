use std::fs;
use std::path::PathBuf;

use super::*;
use crate::sink::format::Format;

struct Case {
    folder: tempfile::TempDir,
    writer: FileWriter,
    now: Duration,
}

impl Case {
    fn new(rotation: Rotation) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.jsonl");
        let writer = FileWriter::new(FileSettings { path, format: Format::Plain, fsync: true, rotation });
        Self { folder, writer, now: Duration::from_secs(1_700_000_000) }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("r.jsonl")
    }

    fn append(&mut self, text: &str) -> io::Result<()> {
        self.writer.append(text.as_bytes(), self.now)
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }

    /// All names in the folder, sorted.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

#[test]
fn a_file_that_was_renamed_or_deleted_is_made_anew() {
    let mut case = Case::new(Rotation::default());
    case.append("1\n").unwrap();
    fs::rename(case.path(), case.folder.path().join("old")).unwrap();
    case.append("2\n").unwrap();
    assert_eq!(case.text(), "2\n");
    fs::remove_file(case.path()).unwrap();
    case.append("3\n").unwrap();
    assert_eq!(case.text(), "3\n");
    assert_eq!(fs::read_to_string(case.folder.path().join("old")).unwrap(), "1\n");
    // Another file was put there.
    fs::write(case.folder.path().join("other"), "half").unwrap();
    fs::rename(case.folder.path().join("other"), case.path()).unwrap();
    case.append("4\n").unwrap();
    assert_eq!(case.text(), "half\n4\n");
}

#[test]
fn without_its_folder_nothing_counts_as_written() {
    let mut case = Case::new(Rotation::default());
    case.append("1\n").unwrap();
    let (folder, moved) = (case.folder.path().to_owned(), case.folder.path().with_extension("moved"));
    fs::rename(&folder, &moved).unwrap();
    assert_eq!(case.append("2\n").unwrap_err().kind(), io::ErrorKind::NotFound);
    fs::rename(&moved, &folder).unwrap();
    case.append("2\n").unwrap();
    assert_eq!(case.text(), "1\n2\n");
}

#[test]
fn a_half_line_is_ended_before_the_next() {
    let mut case = Case::new(Rotation::default());
    fs::write(case.path(), "{\"half\":").unwrap();
    case.append("1\n").unwrap();
    assert_eq!(case.text(), "{\"half\":\n1\n");
    // A file that another program has cut short while it was open.
    fs::write(case.path(), "{").unwrap();
    case.append("2\n").unwrap();
    assert_eq!(case.text(), "{\n2\n");
    fs::write(case.path(), "").unwrap();
    case.append("3\n").unwrap();
    assert_eq!(case.text(), "3\n");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_each_time() {
    let settings =
        FileSettings { path: "/dev/full".into(), format: Format::Plain, fsync: true, rotation: Rotation::default() };
    let mut writer = FileWriter::new(settings);
    for _ in 0..2 {
        assert_eq!(writer.append(b"1\n", Duration::ZERO).unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}

#[test]
fn a_full_file_is_renamed_and_the_oldest_are_deleted() {
    let mut case = Case::new(Rotation { bytes_max: Some(4), kept_max: Some(2), period: None });
    fs::write(case.folder.path().join("r.jsonl.bak"), "mine").unwrap();
    for number in 1..=6 {
        case.append(&format!("{number}\n")).unwrap();
    }
    // Three files of two lines, all in one second.
    let stamp = "20231114T221320Z";
    let rotated = [format!("r.jsonl.{stamp}"), format!("r.jsonl.{stamp}.000001")];
    assert_eq!(case.names(), ["r.jsonl".to_owned(), rotated[0].clone(), rotated[1].clone(), "r.jsonl.bak".to_owned()]);
    assert_eq!(case.text(), "5\n6\n");
    case.now += Duration::from_secs(1);
    case.append("7\n").unwrap();
    assert_eq!(
        case.names(),
        ["r.jsonl".to_owned(), rotated[1].clone(), "r.jsonl.20231114T221321Z".to_owned(), "r.jsonl.bak".to_owned()],
        "the oldest is gone, and no other file"
    );
    assert_eq!(case.text(), "7\n");
}

#[test]
fn a_period_ends_also_while_the_host_is_not_running() {
    let rotation = Rotation { period: Some(Duration::from_secs(3600)), ..Rotation::default() };
    let mut case = Case::new(rotation);
    case.append("1\n").unwrap();
    case.append("2\n").unwrap();
    assert_eq!(case.names(), ["r.jsonl"]);
    case.now += Duration::from_secs(3600);
    case.append("3\n").unwrap();
    assert_eq!((case.text().as_str(), case.names().len()), ("3\n", 2));
    // A host that is started later knows from the file when it was last written.
    let written = std::time::UNIX_EPOCH + case.now;
    fs::File::options().append(true).open(case.path()).unwrap().set_modified(written).unwrap();
    case.writer = FileWriter::new(case.writer.settings().clone());
    case.now += Duration::from_secs(3600);
    case.append("4\n").unwrap();
    assert_eq!((case.text().as_str(), case.names().len()), ("4\n", 3));
}

/// Names the folder of the child process that runs with a limit on file sizes.
#[cfg(unix)]
const LIMITED: &str = "CALLGATE_LIMITED_FOLDER";

#[cfg(unix)]
#[test]
fn what_was_written_in_part_is_cut_back_and_written_again_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    // A limit on file sizes cuts off a write in the middle, as a full disk does, and needs no permission to mount a
    // file system.
    let script = r#"trap "" XFSZ; ulimit -f 8; exec "$0" --exact "$@" --ignored"#;
    let child = std::process::Command::new("sh")
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .arg("sink::file::tests::writes_up_to_a_limit")
        .env(LIMITED, folder.path())
        .output()
        .unwrap();
    assert!(child.status.success(), "{child:?}");
    let path = folder.path().join("r.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.is_empty() && text.ends_with("\n"), "{text:?}");
    let settings =
        FileSettings { path: path.clone(), format: Format::Plain, fsync: true, rotation: Rotation::default() };
    FileWriter::new(settings).append(LINES.as_bytes(), Duration::ZERO).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), text + LINES);
}

/// Its size divides no limit evenly.
#[cfg(unix)]
const LINES: &str = "{\"a\":\"one line of a batch\"}\n{\"a\":\"and the other\"}\n";

#[cfg(unix)]
#[test]
#[ignore = "what another test starts"]
fn writes_up_to_a_limit() {
    let Some(folder) = std::env::var_os(LIMITED) else { return };
    let path = PathBuf::from(folder).join("r.jsonl");
    let settings =
        FileSettings { path: path.clone(), format: Format::Plain, fsync: true, rotation: Rotation::default() };
    let mut writer = FileWriter::new(settings);
    let mut whole = String::new();
    let error = loop {
        match writer.append(LINES.as_bytes(), Duration::ZERO) {
            Ok(()) => whole.push_str(LINES),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    for _ in 0..3 {
        assert!(fs::read_to_string(&path).unwrap() == whole, "a piece of a line is left behind");
        writer.append(LINES.as_bytes(), Duration::ZERO).unwrap_err();
    }
}
