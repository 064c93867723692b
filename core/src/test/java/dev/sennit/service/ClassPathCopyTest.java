package dev.sennit.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@EnabledOnOs(OS.LINUX)
@Timeout(60)
class ClassPathCopyTest {
    @TempDir
    Path folder;

    @Test
    void partsKeepTheirOrderAndTheirContents() throws Exception {
        Path one = Files.createDirectories(folder.resolve("one/classes"));
        Path two = Files.createDirectories(folder.resolve("two/classes"));
        Files.writeString(Files.createDirectories(one.resolve("com")).resolve("A.class"), "first");
        Files.writeString(two.resolve("B.class"), "second");
        Path jar = Files.writeString(folder.resolve("app.jar"), "jar");
        ClassPathCopy copy = ClassPathCopy.of("web", List.of(one, jar, two));
        try {
            assertThat(copy.parts()).extracting(part -> part.getFileName().toString())
                    .containsExactly("0-classes", "1-app.jar", "2-classes");
            assertThat(copy.parts().get(0).resolve("com/A.class")).hasContent("first");
            assertThat(copy.parts().get(1)).hasContent("jar");
            assertThat(copy.parts().get(2).resolve("B.class")).hasContent("second");
        } finally {
            copy.remove();
        }
        assertThat(copy.parts().getFirst().getParent()).doesNotExist();
    }

    @Test
    void itsErrorsNameTheServiceAndThePart() {
        Path missing = folder.resolve("missing.jar");
        assertThatThrownBy(() -> ClassPathCopy.of("web", List.of(missing))).isInstanceOf(IOException.class)
                .hasMessage("class path of service web: there is no " + missing
                        + "; correct the class path, or build it");
    }
}
