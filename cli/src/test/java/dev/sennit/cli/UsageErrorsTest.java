package dev.sennit.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every way to use the command wrongly: one line on stderr, nothing on stdout, exit code 2. */
class UsageErrorsTest {
    private static final String NUMBERS = ": give whole numbers from 0 to 9223372036854775807";
    private static final String COMMANDS =
            "expected one of compare, primes, sums, spinner, thumbnails, services, serve, worker, beat, enqueue, "
                    + "queues, inspect, events, dead, with, ps, top, record, help";
    private static final String WORKLOADS =
            "expected primes, primes-queue, primes-split, sums, sleep, thumbnails or a class on the class path "
                    + "(SENNIT_CLASSPATH)";

    @TempDir
    Path folder;

    static Stream<Arguments> errors() {
        return Stream.of(
                error("no command given: " + COMMANDS + "; see sennit --help"),
                error("unknown command \"prims\": " + COMMANDS + "; did you mean primes?", "prims"),
                error("unknown option --versoin; did you mean --version?; see sennit --help", "--versoin"),
                error("unknown subcommand 'nope'; see sennit --help", "help", "nope"),
                // numbers
                error("argument 1: \"abc\" is not a whole number" + NUMBERS, "primes", "abc"),
                error("argument 2: \"\" is not a whole number" + NUMBERS, "primes", "7", ""),
                error("argument 1: number must be >= 0, was -5" + NUMBERS, "primes", "-5"),
                error("argument 3: number must be >= 0, was -1" + NUMBERS, "primes", "7", "8", "-1", "--json"),
                error("argument 1: number must be >= 0, was -5" + NUMBERS, "primes", "--", "-5"),
                error("argument 1: number must be <= 9223372036854775807, was 9223372036854775808" + NUMBERS,
                        "primes", "9223372036854775808"),
                error("argument 1: \"1e9\" is not a whole number" + NUMBERS, "primes", "1e9"),
                error("argument 1: \"a?b\" is not a whole number" + NUMBERS, "primes", "a\nb"),
                error("- reads the numbers from stdin and stands alone: leave out the 1 other argument", "primes", "-",
                        "7"),
                error("--number: \"x\" is not a whole number" + NUMBERS, "spinner", "--work", "prime", "--number", "x"),
                error("--number: --work sleep checks no number: say --work prime or --work nap", "spinner", "--number",
                        "7"),
                // options
                error("unknown option --jsno; did you mean --json?; see sennit primes --help", "primes", "--jsno"),
                error("unknown option --plto; did you mean --plot?; see sennit compare --help", "compare",
                        "--plto=x.svg"),
                error("unknown option -x; see sennit sums --help", "sums", "-x"),
                error("unexpected argument \"7\"; see sennit sums --help", "sums", "7"),
                error("unexpected argument \"primes\"; see sennit spinner --help", "spinner", "primes"),
                error("unexpected argument \"sums\"; see sennit compare --help", "compare", "primes", "sums"),
                error("missing required parameter for option '--on' (PLAN); see sennit primes --help", "primes",
                        "--on"),
                error("invalid value for option '--seed': 'x' is not a whole number; see sennit sums --help", "sums",
                        "--seed",
                        "x"),
                error("invalid value for option '--repeat': 'x' is not a whole number; see sennit compare --help",
                        "compare", "--repeat", "x"),
                // processes
                error("missing required parameter: 'PID'; see sennit ps --help", "ps"),
                error("missing required parameter: 'PID|FILE|URI'; see sennit top --help", "top"),
                error("PID must be the number of a process, was \"0\"", "top", "0"),
                error("--every must be from 100ms to 10m, was 99ms", "top", "1", "--every", "99ms"),
                error("--every must be a duration such as 500ms, 2s or 10m, was \"x\"", "top", "1", "--every", "x"),
                error("--count must be >= 0, was -1", "top", "1", "--count=-1"),
                error("PID must be the number of a process, was \"abc\"", "ps", "abc"),
                error("PID must be the number of a process, was \"0\"", "ps", "0"),
                error("no process 99999999999: jps lists the JVMs that there are", "ps", "99999999999"),
                error("process " + ProcessHandle.current().pid() + " is this command itself",
                        "ps", Long.toString(ProcessHandle.current().pid())),
                error("missing required option: '--output=FILE'; see sennit record --help", "record", "4711"),
                error("PID must be the number of a process, was \"-\"", "record", "-", "-o", "x.json"),
                error("--output: file must end in .json, .jsonl, .svg or .jfr, was run.txt", "record", "4711", "-o",
                        "run.txt"),
                error("--output: file must end in .json, .jsonl, .svg or .jfr, was json", "record", "4711", "-o",
                        "json"),
                error("--output: cannot write no-such-folder/x.json: name another file", "record", "4711", "-o",
                        "no-such-folder/x.json"),
                error("--for must be a duration such as 500ms, 2s or 10m, was \"soon\"", "record", "4711", "-o",
                        "x.json", "--for", "soon"),
                error("--for must be > 0 and <= 30 days, was 0s", "record", "4711", "-o", "x.json", "--for", "0s"),
                error("no process 99999999999: jps lists the JVMs that there are", "record", "99999999999", "-o",
                        "x.json"),
                // serve
                error("sennit serve takes an APPLICATION or --files FOLDER; name one of them", "serve"),
                error("--workers must be from 1 to 1000, was 0", "serve", "a.jar", "--workers", "0"),
                error("--on must be virtual[:N], threads:N or loop[:N], was \"inline\"", "serve", "a.jar", "--on",
                        "inline"),
                error("--on must have a number from 1 to 999999, was \"threads\"", "serve", "a.jar", "--on", "threads"),
                error("--listen must be HOST:PORT such as 127.0.0.1:8080 or [::1]:8080, was \"8080\"", "serve",
                        "a.jar", "--listen", "8080"),
                error("jar " + Path.of("no.jar").toAbsolutePath()
                        + " is not there: correct the path, or build it first",
                        "serve", "no.jar"),
                error("--listen must be unix: and a path of at most 107 bytes, was \"unix:\"", "serve", "a.jar",
                        "--listen", "unix:"),
                error("--socket-mode must be three octal digits such as \"0660\", was \"rw\"", "serve", "a.jar",
                        "--listen", "unix:web.sock", "--socket-mode", "rw"),
                error("--socket-mode is for --listen unix:PATH; leave it out", "serve", "a.jar", "--socket-mode",
                        "0660"),
                error("--pre-stop must be a duration such as 500ms, 2s or 10m, was \"5\"", "serve", "a.jar",
                        "--pre-stop", "5"),
                error("--metrics must be HOST:PORT such as 127.0.0.1:8080 or [::1]:8080, was \"9100\"", "serve",
                        "a.jar", "--metrics", "9100"),
                error("there is no class path for class com.acme.Shop: set SENNIT_CLASSPATH, or name a jar", "serve",
                        "com.acme.Shop"),
                // plans
                error("unknown plan \"thread:8\": expected inline, threads[:N|:MIN-MAX], virtual[:N], loop[:N], "
                        + "processes[:N]; did you mean threads:8?", "primes", "--on", "thread:8"),
                error("plan \"threads:0\": workers must be >= 1, was 0", "sums", "--on", "threads:0"),
                error("plan \"threads:x\": workers must be a whole number, was \"x\"", "spinner", "--on", "threads:x"),
                error("plan \"inline:2\": inline takes no number of workers, was \"2\"", "primes", "--on", "inline:2"),
                error("plan \"threads:\": nothing follows the colon", "compare", "--on", "inline,threads:"),
                error("plan inline cannot run a spinner beside the caller: it runs each task in the calling thread;"
                        + " choose threads, virtual, loop or processes", "spinner", "--on", "inline"),
                error("--work: unknown kind \"slep\": expected sleep, block, prime, nap; did you mean sleep?",
                        "spinner", "--work", "slep"),
                // thumbnails
                error("missing required parameter: 'SOURCE'; see sennit thumbnails --help", "thumbnails", "-o", "x"),
                error("missing required option: '--output=DIR'; see sennit thumbnails --help", "thumbnails", "a.jpg"),
                error("--sizes: expected widths such as 200,64,32, was \"big\"", "thumbnails", "a.jpg", "-o", "x",
                        "--sizes", "big"),
                error("--sizes: size must be 1 to 10000, was 0", "thumbnails", "a.jpg", "-o", "x", "--sizes", "200,0"),
                error("--quality: quality must be 1 to 100, was 0", "thumbnails", "a.jpg", "-o", "x", "--quality", "0"),
                error("--format: expected jpeg, png, webp, same, was \"jpe\"; did you mean jpeg?",
                        "thumbnails", "a.jpg", "-o", "x", "--format", "jpe"),
                error("--sizes: sizes must differ, were [200, 64, 200]", "thumbnails", "a.jpg", "-o", "x", "--sizes",
                        "200,64,200"),
                error("-o: a folder is a source too; choose another folder", "thumbnails", "b.jpg", "./a folder/", "-o",
                        "a folder"),
                error("--fit: expected width, box, crop, was \"all\"", "thumbnails", "a.jpg", "-o", "x", "--fit",
                        "all"),
                error("--no-clobber and --force exclude each other: leave out one",
                        "thumbnails", "a.jpg", "-o", "x", "--force", "--no-clobber"),
                error("--max-pixels: expected a number such as 500k, 100M or 2G, was \"lots\"",
                        "thumbnails", "a.jpg", "-o", "x", "--max-pixels", "lots"),
                error("--deadline: expected a time such as 500ms, 30s or 2m, was \"soon\"",
                        "thumbnails", "a.jpg", "-o", "x", "--deadline", "soon"),
                error("--fetch-on: fetching runs in this JVM: say virtual, threads:N, loop or inline",
                        "thumbnails", "a.jpg", "-o", "x", "--fetch-on", "processes:2"),
                error("--jobs: plan threads:2 takes no other number of workers: leave out one of both",
                        "thumbnails", "a.jpg", "-o", "x", "--on", "threads:2", "--jobs", "3"),
                error("--downloads and --per-host must be >= 1", "thumbnails", "a.jpg", "-o", "x", "--downloads", "0"),
                error("--codec: codec must be auto or one of [leptonica, turbojpeg, jdk], was \"gd\"",
                        "thumbnails", "a.jpg", "-o", "x", "--codec", "gd"),
                error("--timeline: file must end in .svg, was x.png", "thumbnails", "a.jpg", "-o", "x", "--timeline",
                        "x.png"),
                // services
                error("no file given: expected FILE or one of status, reload, scale, restart, handover, stop, logs, "
                        + "check; see sennit services --help", "services"),
                error("there is no command and no file \"chekc\"; did you mean check?", "services", "chekc"),
                error("--lines must be >= 0, was -1", "services", "logs", "--lines=-1"),
                error("missing required parameter: 'WORKERS'; see sennit services scale --help", "services", "scale",
                        "a"),
                error("invalid value for positional parameter at index 1 (WORKERS): 'x' is not a whole number; see "
                        + "sennit services scale --help", "services", "scale", "a", "x"),
                error("missing required parameter: 'FILE'; see sennit services check --help", "services", "check"),
                error("unknown option --jsn; see sennit services check --help", "services", "check", "--jsn", "x"),
                // with
                error("no server given: expected SERVER[,SERVER...] -- COMMAND; see sennit with --help", "with"),
                error("no command given: expected -- COMMAND after the servers; see sennit with --help", "with",
                        "redis"),
                error("unknown server \"rediss\": expected one of postgresql, redis, rabbitmq; did you mean redis?",
                        "with", "rediss", "--", "true"),
                error("unknown server \"\": expected one of postgresql, redis, rabbitmq", "with", "redis,", "--",
                        "true"),
                error("server redis is named twice: name it once", "with", "redis,redis", "--", "true"),
                // compare
                error("unknown workload \"prime\": " + WORKLOADS + "; did you mean primes?", "compare", "prime"),
                error("unknown workload \"com.acme.Nothing\": " + WORKLOADS, "compare", "com.acme.Nothing"),
                error("--repeat: N must be >= 1, was 0", "compare", "--repeat", "0"),
                error("--workers: expected counts such as 4, 1,2,4,8 or 1..20, was \"many\"", "compare", "--workers",
                        "many"),
                error("--workers: workers must be >= 1 and <= 1000, was 0", "compare", "--workers", "0"),
                error("--workers and --plot need a plan whose kind takes a number of workers: add threads, virtual or"
                        + " processes to --on", "compare", "--on", "inline", "--workers", "1..4"),
                error("plan threads:4: has a worker count beside --workers: leave one out",
                        "compare", "--on", "threads:4", "--workers", "1,2"),
                error("--plot needs two worker counts or more, was --workers 4: say --workers 1..4",
                        "compare", "--workers", "4", "--plot", "x.svg"),
                error("--plot: file must end in .svg or .png, was x.pdf", "compare", "--plot", "x.pdf"),
                error("--plot: no folder /no/such: create it first", "compare", "--plot", "/no/such/x.svg"));
    }

    private static Arguments error(String line, String... args) {
        return Arguments.of(line, List.of(args));
    }

    @ParameterizedTest
    @MethodSource("errors")
    void oneLineAndExitCode2(String line, List<String> args) {
        Run run = Run.sennit(args.toArray(String[]::new));

        assertThat(run.err()).containsExactly("sennit: " + line);
        assertThat(run.out()).isEmpty();
        assertThat(run.exit()).isEqualTo(2);
    }

    @Test
    void aFolderIsNoPlotFile() {
        Path plot = folder.resolve("dir.svg");
        assertThat(plot.toFile().mkdir()).isTrue();

        Run run = Run.sennit("compare", "--plot", plot.toString());

        assertThat(run.err()).containsExactly("sennit: --plot: cannot write " + plot + ": name another file");
        assertThat(run.exit()).isEqualTo(2);
    }

    @Test
    void theStackTraceComesWhenAskedFor() {
        Run run = Run.sennit("primes", "abc", "--stacktrace");

        assertThat(run.err().getFirst()).startsWith("sennit: argument 1: \"abc\"");
        assertThat(run.err()).anyMatch(line -> line.contains("at dev.sennit.cli"));
        assertThat(run.exit()).isEqualTo(2);
    }
}
