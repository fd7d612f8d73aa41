"""What the readers' programs are made with. Each is compiled once, in a directory that the cache of pytest keeps."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests import installing

HERE = Path(__file__).parent
SESSION = "a session"
_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>readers</groupId>
  <artifactId>readers</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>com.clickhouse</groupId>
      <artifactId>{artifact}</artifactId>
      <version>{version}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-nop</artifactId>
      <version>2.0.16</version>
    </dependency>
  </dependencies>
</project>
"""


def go(directory: Path, version: str) -> list[str]:
    """The command of the Go program with this version of clickhouse-go, or `latest`; skips where there is no Go."""
    installing.needs("go")
    source = HERE / "go" / "main.go"
    (directory / "go.mod").write_text("module readers\n\ngo 1.24\n")
    shutil.copy(source, directory)
    wanted = f"{version}\n{source.read_text()}"
    installing.once(
        directory,
        wanted,
        ["go", "get", f"github.com/ClickHouse/clickhouse-go/v2@{version}"],
        ["go", "build", "-o", "read", "."],
    )
    return [str(directory / "read")]


def java(directory: Path, artifact: str, version: str) -> list[str]:
    """The command of the Java program with this driver; skips where there is no JDK or Maven."""
    installing.needs("java", "javac", "mvn")
    source = HERE / "java" / "Read.java"
    (directory / "pom.xml").write_text(_POM.format(artifact=artifact, version=version))
    shutil.copy(source, directory)
    wanted = f"{artifact} {version}\n{source.read_text()}"
    installing.once(
        directory,
        wanted,
        ["mvn", "--quiet", "--batch-mode", "dependency:copy-dependencies", "-DoutputDirectory=lib"],
        ["javac", "-d", ".", "Read.java"],
    )
    return ["java", "-cp", f"{directory}:{directory}/lib/*", "Read"]
