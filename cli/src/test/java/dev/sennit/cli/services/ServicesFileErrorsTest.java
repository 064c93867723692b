package dev.sennit.cli.services;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every way for a file of services to be wrong: the place of each problem, and what to do. */
class ServicesFileErrorsTest {
    private static final String SERVICE = "[services.a]\ncommand = [\"x\"]\n";
    private static final String JAVA = "[services.a]\nclass = \"A\"\nclasspath = [\"app.jar\"]\n";
    private static final Map<String, String> ENVIRONMENT = Map.of("PORT", "80", "EMPTY", "", "WORD", "three");

    @TempDir
    Path folder;

    @BeforeEach
    void makeFolder() throws IOException {
        Files.createFile(folder.resolve("app.jar"));
        Files.createDirectory(folder.resolve("empty"));
    }

    static Stream<Arguments> errors() {
        return Stream.of(
                // not TOML
                error("a == 1\n" + SERVICE, "1:4: unexpected '=', expected a value"),
                error(SERVICE + "workers = 1\nworkers = 2",
                        "4:1: workers previously defined at line 3, column 1; leave out one of both"),
                error(SERVICE + SERVICE,
                        "3:1: services.a previously defined at line 1, column 1; leave out one of both",
                        "4:1: command previously defined at line 2, column 1; leave out one of both"),
                error("a = 1\nb = = 2\nc = 3\nd = \"\n", "2:5: unexpected '=', expected a value",
                        "4:6: unexpected end of line, expected \" or a character"),
                error(SERVICE + "environment = { A = \"1\",\nB = \"2\" }",
                        "3:25: newlines are not allowed in an inline table (TOML versions before 1.1.0)"),
                // no services
                error("", "1:1: there are no services; write [services.NAME]"),
                error("[services]", "1:1: there are no services; write [services.NAME]"),
                error("services = 3", "1:1: services must be a table, was a number; write [services.NAME]"),
                error("[[services]]", "1:1: services must be a table, was a list; write [services.NAME]"),
                error("services.a = \"x\"", "1:1: a must be a table, was text; write [services.a]"),
                error("[services.\"a b\"]\ncommand = [\"x\"]",
                        "1:1: name of a service must be of letters, digits, . _ - "
                                + "(64 at most), was \"a b\""),
                // unknown keys
                error("nmae = \"x\"\n" + SERVICE, "1:1: unknown key \"nmae\"; did you mean name?"),
                error("[service.b]\n" + SERVICE, "1:1: unknown key \"service\"; did you mean services?"),
                error(SERVICE + "wokers = 2", "3:1: unknown key \"wokers\" in [services.a]; did you mean workers?"),
                error(SERVICE + "ready = { lime = \"x\" }",
                        "3:1: ready must have one of line, port and alive, has 0",
                        "3:11: unknown key \"lime\" in ready; did you mean line?"),
                error(SERVICE + "backoff = { xyz = \"1s\" }",
                        "3:13: unknown key \"xyz\" in backoff; expected one of first, most"),
                error(SERVICE + "deaths = { thne = \"fail\" }",
                        "3:12: unknown key \"thne\" in deaths; did you mean then?"),
                error("[log]\nformt = \"text\"\n" + SERVICE,
                        "2:1: unknown key \"formt\" in [log]; did you mean format?"),
                error("[metrics]\nport = 9\n" + SERVICE,
                        "1:1: [metrics] has no address; write address = \"127.0.0.1:9100\"",
                        "2:1: unknown key \"port\" in [metrics]; expected address"),
                // wrong types
                error("name = 5\n" + SERVICE, "1:1: name must be text, was a number; write \"5\""),
                error("[metrics]\naddress = 9100\n" + SERVICE,
                        "2:1: address must be HOST:PORT such as 127.0.0.1:8080 or [::1]:8080, was 9100"),
                error("name = 1979-05-27\n" + SERVICE, "1:1: name must be text, was a date or time"),
                error(SERVICE + "workers = \"three\"",
                        "3:1: workers must be a number, \"cpus\" or \"2*cpus\", was \"three\""),
                error(SERVICE + "workers = \"3\"", "3:1: workers must be a number, \"cpus\" or \"2*cpus\", was \"3\""),
                error(SERVICE + "workers = true", "3:1: workers must be a number, was true"),
                error(SERVICE + "workers = 1.5", "3:1: workers must be a number, was a fraction"),
                error(SERVICE + "at-once = \"2\"",
                        "3:1: at-once must be a number, was text; leave out the quotation marks"),
                error(SERVICE + "reload-in-place = 1", "3:1: reload-in-place must be true or false, was a number"),
                error(SERVICE + "reload-in-place = \"true\"",
                        "3:1: reload-in-place must be true or false, was text; leave out the quotation marks"),
                error(SERVICE + "after = \"b\"", "3:1: after must be a list, was text; write it as [\"...\"]"),
                error("[services.a]\ncommand = [\n  \"x\",\n  5]",
                        "4:3: command[1] must be text, was a number; write \"5\""),
                error(SERVICE + "ready = 5", "3:1: ready must be text, was a number; write \"5\""),
                error(SERVICE + "start-limit = 60",
                        "3:1: start-limit must be text with a unit, was a number; write \"60s\""),
                error(JAVA + "heap = 256", "4:1: heap must be text with a unit, was a number; write \"256m\""),
                error(SERVICE + "environment = \"A=b\"",
                        "3:1: environment must be a table, was text; write [services.a.environment]"),
                error(SERVICE + "[services.a.environment]\nPORT = 8080",
                        "4:1: PORT must be text, was a number; write \"8080\""),
                error(SERVICE + "deaths = 3", "3:1: deaths must be a table, was a number; write deaths = { ... }"),
                // impossible values
                error("name = \"a/b\"\n" + SERVICE,
                        "1:1: name must be of letters, digits, . _ - (64 at most), was \"a/b\""),
                error(SERVICE + "workers = 1001", "3:1: workers must be from 0 to 1000, was 1001"),
                error(SERVICE + "workers = -1", "3:1: workers must be from 0 to 1000, was -1"),
                error(SERVICE + "workers = \"999*cpus\"", "3:1: workers must be from 0 to 1000, was \"999*cpus\""),
                error(SERVICE + "workers = 9999999999",
                        "3:1: workers must be from -2147483648 to 2147483647, was 9999999999"),
                error(SERVICE + "at-once = 0", "3:1: at-once must be >= 1, was 0"),
                error(SERVICE + "kind = \"allways\"",
                        "3:1: kind must be one of always, on-failure, once, was \"allways\"; did you mean always?"),
                error(SERVICE + "kind = \"\"", "3:1: kind must be one of always, on-failure, once, was \"\""),
                error(SERVICE + "start-limit = \"soon\"",
                        "3:1: start-limit must be a duration such as 500ms, 2s or 10m, was \"soon\""),
                error(SERVICE + "stop-limit = \"0s\"", "3:1: stop-limit must be > 0, was \"0s\""),
                error(SERVICE + "max-age = \"-1s\"",
                        "3:1: max-age must be a duration such as 500ms, 2s or 10m, was \"-1s\""),
                error(SERVICE + "max-memory = \"lots\"",
                        "3:1: max-memory must be a size such as 256m or 2g, was \"lots\""),
                error(JAVA + "max-work = 0", "4:1: max-work must be >= 1, was 0"),
                error(JAVA + "spares = -1", "4:1: spares must be >= 0, and 0 for a command, was -1"),
                error(JAVA + "jvm-options = [\"Xmx5m\"]",
                        "4:16: jvm-options[0] must be an option such as -XX:+UseZGC, was \"Xmx5m\""),
                error(SERVICE + "ready = { port = 70000 }", "3:11: ready.port must be from 1 to 65535, was 70000"),
                error(SERVICE + "ready = { line = \"(\" }",
                        "3:11: ready.line must be a regular expression (Unclosed group), was \"(\""),
                error(SERVICE + "ready = { alive = \"0s\" }", "3:11: ready.alive must be > 0, was \"0s\""),
                error(SERVICE + "ready = { port = 1, line = \"x\" }",
                        "3:1: ready must have one of line, port and alive, has 2"),
                error(SERVICE + "ready = \"sayd\"",
                        "3:1: ready must be one of initialized, said, was \"sayd\"; did you mean said?"),
                error(SERVICE + "backoff = { first = \"1m\" }",
                        "3:1: backoff.most must be >= backoff.first, was 30 s and 60 s"),
                error(SERVICE + "backoff = { first = \"0s\" }", "3:13: backoff.first must be > 0, was \"0s\""),
                error(SERVICE + "deaths = { count = 0, within = \"0s\", then = \"die\" }",
                        "3:12: deaths.count must be >= 1, was 0",
                        "3:23: deaths.within must be > 0, was \"0s\"",
                        "3:38: deaths.then must be one of keep-trying, fail, stop-service, exit, was \"die\""),
                error(SERVICE + "[services.a.environment]\n\"A=B\" = \"c\"",
                        "4:1: name of a variable must have a character, and neither = nor NUL, was \"A=B\""),
                error(SERVICE + "[services.a.environment]\nA = \"\\u0000\"",
                        "4:1: A has the character NUL; leave it out"),
                error(SERVICE + "directory = \"nowhere\"",
                        "3:1: directory must be a folder that exists, was \"nowhere\""),
                error(SERVICE + "directory = \"\"", "3:1: directory must be a path, was \"\""),
                error("[log]\nfile = \"empty\"\n" + SERVICE, "2:1: file must be a file, not a folder, was \"empty\""),
                error("[log]\nformat = \"jsn\"\n" + SERVICE,
                        "2:1: format must be one of text, json, was \"jsn\"; did you mean json?"),
                error("pre-stop = \"2h\"\n" + SERVICE, "1:1: pre-stop must be at most 3600 s, was \"2h\""),
                error("control = \"" + "x".repeat(110) + "\"\n" + SERVICE,
                        "1:1: the path of the control socket is longer "
                                + "than 107 bytes; write control = \"/run/NAME.sock\", or another short path"),
                // class and command
                error("[services.a]",
                        "1:1: service a has neither class nor application nor files nor command; write one of them"),
                error(JAVA + "command = [\"x\"]",
                        "1:1: service a has several of class, application, files and command; write one of them"),
                error("[services.a]\ncommand = []",
                        "2:1: command must begin with a program; write [\"PROGRAM\", \"ARGUMENT\", ...]"),
                error("[services.a]\nclass = \"not a class\"\nclasspath = [\"app.jar\"]",
                        "2:1: class must be the name of a class such as com.acme.Worker, was \"not a class\""),
                error(SERVICE + "heap = \"64m\"",
                        "3:1: heap is for Java services, and service a is a command; leave it out"),
                error(SERVICE + "spares = 2",
                        "3:1: spares is for Java services, and service a is a command; leave it out"),
                error(SERVICE + "classpath = [\"app.jar\"]",
                        "3:1: classpath is for Java services, and service a is a command; leave it out"),
                error(SERVICE + "ready = \"initialized\"",
                        "3:1: ready = \"initialized\" is for Java services, and service "
                                + "a is a command; write \"said\", { line = \"...\" }, { port = N } or { "
                                + "alive = \"2s\" }"),
                error(JAVA + "ready = { port = 5 }", "4:1: line, port and alive are for commands, and service a is a "
                        + "class; write ready = \"initialized\" or \"said\""),
                // class path
                error("[services.a]\nclass = \"A\"",
                        "2:1: service a has no class path; write classpath = [\"app.jar\"], "
                                + "or set SENNIT_CLASSPATH"),
                error("[services.a]\nclass = \"A\"\nclasspath = []",
                        "3:1: classpath must have a jar or a folder, was empty"),
                error("[services.a]\nclass = \"A\"\nclasspath = [\n\"app.jar\",\n\"ap.jar\"]",
                        "5:1: classpath[1] must be a jar or a folder that exists, was \"ap.jar\""),
                error("[services.a]\nclass = \"A\"\nclasspath = [\"empty/*\"]",
                        "3:14: classpath[0] must be the jars of a folder that has some, was \"empty/*\""),
                error("[services.a]\nclass = \"A\"\nclasspath = [\"none/*\"]",
                        "3:14: classpath[0] must be the jars of a folder that exists, was \"none/*\""),
                // order
                error(SERVICE + "after = [\"a1\", \"b\"]\n[services.migrate]\ncommand = [\"y\"]",
                        "3:10: there is no service \"a1\"; expected migrate",
                        "3:16: there is no service \"b\"; expected migrate"),
                error(SERVICE + "after = [\"migrat\"]\n[services.migrate]\ncommand = [\"y\"]",
                        "3:10: there is no service \"migrat\"; did you mean migrate?"),
                error(SERVICE + "after = [\"a\"]", "3:1: after: service a cannot come after itself"),
                error(SERVICE + "after = [\"b\"]\n[services.b]\ncommand = [\"y\"]\nafter = [\"c\"]\n"
                        + "[services.c]\ncommand = [\"z\"]\nafter = [\"b\"]",
                        "6:1: services wait for each other: b -> c -> b; leave out one after"),
                // listeners
                error("[listeners.web]\ntcp = \"127.0.0.1:80\"\n" + SERVICE + "listener = \"web\"",
                        "5:1: listener is for Java services, and service a is a command; leave it out"),
                error("[queues.q]\n" + SERVICE, "1:1: queue q has no capacity; write capacity = 100"),
                error("[queues.q]\ncapacity = 0\nmemory = 7\nsize = 1\n" + SERVICE, "2:1: capacity must be >= 1, was 0",
                        "3:1: memory must be text with a unit, was a number; write \"7m\"",
                        "4:1: unknown key \"size\" in [queues.q]; expected one of capacity, memory, allow"),
                error("[listeners.web]\ntcp = \"127.0.0.1:80\"\n" + SERVICE,
                        "1:1: no service uses listener web; write listener = \"web\" in one, or leave it out"),
                error(JAVA + "listener = \"web\"", "4:1: there is no listener \"web\"; the file has no listeners"),
                error("[listeners.web]\ntcp = \"[::1]:80\"\n" + JAVA + "listener = \"wbe\"",
                        "1:1: no service uses listener web; write listener = \"web\" in one, or leave it out",
                        "6:1: there is no listener \"wbe\"; did you mean web?"),
                error("[listeners.web]\n" + JAVA + "listener = \"web\"",
                        "1:1: listener web must have one of tcp, unix and systemd, has 0"),
                error("[listeners.web]\ntcp = \"x:1\"\nunix = \"s\"\n" + JAVA + "listener = \"web\"",
                        "1:1: listener web must have one of tcp, unix and systemd, has 2"),
                error(listener("tcp", "8080"),
                        "2:1: tcp must be HOST:PORT such as 127.0.0.1:8080 or [::1]:8080, was \"8080\""),
                error(listener("tcp", "::1:8080"),
                        "2:1: tcp must be HOST:PORT such as 127.0.0.1:8080 or [::1]:8080, was \"::1:8080\""),
                error(listener("tcp", "999.1.1.1:1"),
                        "2:1: tcp must be HOST:PORT such as 127.0.0.1:8080 or [::1]:8080, was \"999.1.1.1:1\""),
                error(listener("tcp", "host:70000"),
                        "2:1: tcp must be from port 0 to 65535, was \"host:70000\""),
                error(listener("unix", "x".repeat(200)), "2:1: unix must be a path of at most 107 bytes, was \""
                        + "x".repeat(60) + "...\""),
                error(listener("unix", "s.toml.sock"),
                        "1:1: listener web has the path of the control socket; write another"),
                error(listener("mode", "0660"), "1:1: listener web must have one of tcp, unix and systemd, has 0"),
                error(listener("unix", "s\"\nmode = \"rw"),
                        "3:1: mode must be three octal digits such as \"0660\", was \"rw\""),
                error(listener("tcp", "127.0.0.1:80\"\nmode = \"0660"),
                        "1:1: listener web has a mode, which only a Unix socket has; leave it out"),
                error(listener("systemd", ""), "2:1: systemd must be a name, was \"\""),
                error(listener("tcp", "0.0.0.0:80") + "[listeners.b]\ntcp = \"127.0.0.1:80\"\n"
                        + JAVA.replace("services.a", "services.b") + "listener = \"b\"",
                        "7:1: listener b has the address of listener web, 0.0.0.0:80; write another"),
                error("[metrics]\naddress = \"[::]:80\"\n" + listener("tcp", "localhost:80"),
                        "2:1: address is that of listener web, localhost:80; write another"),
                // variables
                error("name = \"${NAME}\"\n" + SERVICE,
                        "1:1: name needs the variable NAME, which is not set; set it, or "
                                + "write ${NAME:-default}"),
                error("[services.a]\ncommand = [\"sh\",\n\"-c\", \"echo ${}\"]",
                        "3:7: command[2] has ${ without a variable "
                                + "behind it; write ${NAME}, ${NAME:-default}, or $${ for these two characters"),
                error(SERVICE + "workers = \"${WORD}\"",
                        "3:1: workers must be a number, \"cpus\" or \"2*cpus\", was \"three\""),
                error(SERVICE + "at-once = \"${WORD}\"", "3:1: at-once must be a number, was \"three\""),
                error(SERVICE + "reload-in-place = \"${WORD}\"",
                        "3:1: reload-in-place must be true or false, was \"three\""),
                // what a message shows
                error(SERVICE + "kind = \"a\\nb\\u001b[31m\"",
                        "3:1: kind must be one of always, on-failure, once, was \"a?b?[31m\""));
    }

    private static String listener(String key, String value) {
        return "[listeners.web]\n" + key + " = \"" + value + "\"\n" + JAVA + "listener = \"web\"\n";
    }

    private static Arguments error(String toml, String... lines) {
        return Arguments.of(toml, List.of(lines));
    }

    @ParameterizedTest
    @MethodSource("errors")
    void hasItsPlace(String toml, List<String> lines) throws IOException {
        Path file = Files.writeString(folder.resolve("s.toml"), toml);

        assertThat(problems(file)).containsExactlyElementsOf(lines.stream().map(each -> file + ":" + each).toList());
    }

    @Test
    void allAreToldInTheOrderOfTheFile() throws IOException {
        Path file = Files.writeString(folder.resolve("s.toml"), """
                nmae = "x"
                [services.a]
                command = ["x"]
                wokers = 3
                start-limit = "soon"
                after = ["c", "b"]
                [services.b]
                kind = "x"
                """);

        assertThat(problems(file)).extracting(each -> each.substring(file.toString().length() + 1).split(": ")[0])
                .containsExactly("1:1", "4:1", "5:1", "6:10", "7:1", "8:1");
    }

    @Test
    void aFileThatCannotBeRead() throws IOException {
        Path missing = folder.resolve("thumbs.toml");
        assertThat(problems(missing)).containsExactly(missing + ": there is no such file");
        Files.createFile(folder.resolve("thumb.toml"));
        assertThat(problems(missing)).containsExactly(missing + ": there is no such file; did you mean thumb.toml?");
        Path nowhere = folder.resolve("none/s.toml");
        assertThat(problems(nowhere)).containsExactly(nowhere + ": there is no such file");
        assertThat(problems(folder)).containsExactly(folder + ": this is a folder; name a file");
    }

    @Test
    void aFileThatIsTooLargeOrNoText() throws IOException {
        Path file = folder.resolve("s.toml");
        Files.writeString(file, SERVICE + "#".repeat(1 << 20));
        assertThat(problems(file)).containsExactly(
                file + ": the file is larger than 1 MB, which no file of services is; name another file");
        Files.write(file, "name = \"x\"\n# \u00e9\n# ab\u00e9".getBytes(StandardCharsets.ISO_8859_1));
        assertThat(problems(file)).containsExactly(file + ":2:3: this is not UTF-8; save the file as UTF-8");
        Files.write(file, new byte[] {'#', (byte) 0xc3}); // ends within a character
        assertThat(problems(file)).containsExactly(file + ":1:2: this is not UTF-8; save the file as UTF-8");
        Files.writeString(file, "a = " + "[".repeat(100_000));
        assertThat(problems(file)).hasSize(1).first().asString().startsWith(file + ":1:");
    }

    @Test
    void theClassPathOfTheEnvironment() throws IOException {
        Path file = Files.writeString(folder.resolve("s.toml"), "[services.a]\nclass = \"A\"");

        var refused = catchThrowableOfType(ServicesFileException.class,
                () -> ServicesFile.read(file, Map.of("SENNIT_CLASSPATH", "/no/such.jar"), 2));

        assertThat(refused.problems()).containsExactly(
                file + ":2:1: the class path in SENNIT_CLASSPATH must be a jar or a folder that exists, "
                        + "was \"/no/such.jar\"");
    }

    private static List<String> problems(Path file) {
        return catchThrowableOfType(ServicesFileException.class, () -> ServicesFile.read(file, ENVIRONMENT, 2))
                .problems();
    }
}
