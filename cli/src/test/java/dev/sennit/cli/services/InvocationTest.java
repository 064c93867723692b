package dev.sennit.cli.services;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class InvocationTest {
    private static final String LINE = "java\0-Xmx64m\0-jar\0sennit.jar\0services\0a b.toml\0";

    @Test
    void withoutALauncherItIsTheCommandLineOfTheJvm() {
        assertThat(Invocation.of("", 7, LINE, false).command())
                .containsExactly("java", "-Xmx64m", "-jar", "sennit.jar", "services", "a b.toml");
    }

    @Test
    void theLauncherGetsItsArgumentsOnly() {
        assertThat(Invocation.of("7 2 /opt/my tools/sennit", 7, LINE, false).command())
                .containsExactly("/opt/my tools/sennit", "services", "a b.toml");
    }

    @Test
    void theLauncherOfAnotherProcessDoesNotCount() {
        assertThat(Invocation.of("8 2 /opt/sennit", 7, LINE, false).command()).startsWith("java");
        assertThat(Invocation.of("rubbish", 7, LINE, false).command()).startsWith("java");
    }

    @Test
    void anEmptyArgumentStays() {
        assertThat(Invocation.of("7 2 s", 7, "java\0serve\0\0", true).command()).containsExactly("s", "serve", "");
    }

    @Test
    void whatWasTakenOverBeforeIsNotTakenOverAgain() {
        assertThat(Invocation.of("", 7, "java\0services\0--take-over\0a.toml\0", false).command())
                .containsExactly("java", "services", "a.toml");
        assertThat(Invocation.of("", 7, "java\0serve\0--take-over\0" + "12\0app.jar\0", true).command())
                .containsExactly("java", "serve", "app.jar");
        assertThat(Invocation.of("", 7, "java\0serve\0app.jar\0--take-over=/a/b.sock\0", true).command())
                .containsExactly("java", "serve", "app.jar");
    }

    @Test
    void optionsStandBeforeTheEndOfOptions() {
        var invocation = new Invocation(List.of("java", "services", "--", "a.toml"));
        assertThat(invocation.with(List.of("--take-over")).command())
                .containsExactly("java", "services", "--take-over", "--", "a.toml");
        assertThat(new Invocation(List.of("java", "serve", "app.jar")).with(List.of("--take-over", "7")).command())
                .containsExactly("java", "serve", "app.jar", "--take-over", "7");
    }
}
