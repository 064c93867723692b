package dev.sennit.cli.services;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ShellWordsTest {
    @Test
    void pathsAreQuotedForAShellIfTheyHaveTo() {
        assertThat(ShellWords.quoted(Path.of("/srv/a.toml"))).isEqualTo("/srv/a.toml");
        assertThat(ShellWords.quoted(Path.of("/my files/it's"))).isEqualTo("'/my files/it'\\''s'");
    }
}
