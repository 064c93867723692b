package dev.sennit.benchmarks.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A JVM that does not answer, or not in time. */
class CorpusJvmIT {
    @TempDir
    private Path folder;

    private List<String> answers(Class<?> main, long seconds) throws Exception {
        return CorpusJvm.answers(
                folder, System.getProperty("java.class.path"), List.of(), List.of(main.getName()), seconds);
    }

    @Test
    void aJvmThatTakesTooLongIsEnded() throws Exception {
        assertThat(answers(Waits.class, 2)).last().isEqualTo("HANG");
        assertThat(ProcessHandle.current().descendants()).noneMatch(process -> process.info()
                .commandLine()
                .orElse("")
                .contains(Waits.class.getName()));
    }

    @Test
    void aJvmThatEndsKeepsItsAnswers() throws Exception {
        assertThat(answers(Throws.class, 60)).containsExactly(
                "NONE 1 true", "EXIT 1 Exception in thread \"main\" java.lang.IllegalStateException: no more");
    }

    /** Waits for an end of its input, which does not come. */
    static final class Waits {
        public static void main(String[] arguments) throws IOException {
            System.in.read();
        }
    }

    static final class Throws {
        public static void main(String[] arguments) {
            System.out.println("NONE 1 true");
            throw new IllegalStateException("no more");
        }
    }
}
