package dev.sennit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.lang.module.ModuleDescriptor;
import java.lang.reflect.Method;
import java.net.URI;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PoolsTest {
    @Test
    void knowsTheKindsOfThisArtifact() {
        assertThat(Pools.kinds()).containsExactlyInAnyOrder("inline", "threads", "virtual", "loop", "processes");
    }

    @ParameterizedTest
    @CsvSource({"inline,1", "threads:3,3", "virtual:5,5", "virtual,2147483647", "processes:1,1"})
    void opensWhatThePlanSays(String plan, int workers) {
        try (Pool pool = Pools.open(plan)) {
            assertThat(pool.workers()).isEqualTo(workers);
            assertThat(pool.name()).startsWith(Plan.parse(plan).kind() + "-");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"threads", "processes"})
    void oneWorkerForEachProcessorUnlessToldOtherwise(String plan) {
        try (Pool pool = Pools.open(plan)) {
            assertThat(pool.workers()).isEqualTo(Runtime.getRuntime().availableProcessors());
        }
    }

    @Test
    void anUnknownKindNamesTheNearest() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Pools.open("thread:8"))
                .withMessageStartingWith("unknown plan \"thread:8\": expected ")
                .withMessageContainingAll("inline", "threads[:N|:MIN-MAX]", "virtual[:N]", "processes[:N]")
                .withMessageEndingWith("; did you mean threads:8?");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Pools.open("proces:2?heap=64m"))
                .withMessageEndingWith("; did you mean processes:2?heap=64m?");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Pools.open("coroutines"))
                .withMessageNotContaining("did you mean");
    }

    @Test
    void nullIsRefused() {
        assertThatNullPointerException().isThrownBy(() -> Pools.open((String) null));
        assertThatNullPointerException().isThrownBy(() -> Pools.open((Plan) null));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "threads:0            | workers must be >= 1, was 0",
        "threads:-3           | workers must be >= 1, was -3",
        "threads:many         | workers must be a whole number, was \"many\"",
        "virtual:0            | limit must be >= 1, was 0",
        "inline:2             | inline takes no number of workers, was \"2\"",
        "threads?backlog=-1   | backlog must be >= 0, was -1",
        "threads?backlog=x    | backlog must be a whole number, was \"x\"",
        "threads?full=drop    | full must be block, reject or caller-runs, was \"drop\"",
        "virtual?backlgo=3    | unknown option \"backlgo\": expected name, backlog, full, unasked; did "
                + "you mean backlog?",
        "threads?idel=3s      | unknown option \"idel\": expected name, backlog, full, unasked, order, idle, grow, "
                + "shrink; did you mean idle?",
        "virtual?unasked=no   | unasked must be on or off, was \"no\"",
        "inline?backlog=1     | inline takes no backlog: a task runs inside of submit, and none waits",
        "processes:0          | workers must be >= 1, was 0"
    })
    void aBadPlanGivesNameBoundAndValue(String plan, String what) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Pools.open(plan))
                .withMessage("plan \"" + plan + "\": " + what);
    }

    @Test
    void buildersCheckAsPlansDo() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ThreadPool.builder().workers(0))
                .withMessage("workers must be >= 1, was 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> VirtualPool.builder().limit(-1))
                .withMessage("limit must be >= 1, was -1");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ThreadPool.builder().backlog(-1))
                .withMessage("backlog must be >= 0, was -1");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ThreadPool.builder().name(" "))
                .withMessage("name must not be blank");
        assertThatNullPointerException().isThrownBy(() -> ThreadPool.builder().whenFull(null));
    }

    @Test
    void everyProviderIsRegisteredForTheModulePathAndForTheClassPath() throws IOException {
        assertThat(inServicesFile())
                .isNotEmpty()
                .doesNotHaveDuplicates()
                .containsExactlyInAnyOrderElementsOf(inModuleDescriptor());
    }

    /** As in an uber-jar whose maker did not merge the files of services. */
    @Test
    void withoutTheFileOfServicesTheRemedyIsNamed() throws Exception {
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        var loader = new WithoutServices();
        thread.setContextClassLoader(loader);
        try {
            Method open = loader.loadClass(Pools.class.getName()).getMethod("open", String.class);
            assertThatThrownBy(() -> open.invoke(null, "threads:2"))
                    .cause()
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage(
                            "unknown plan \"threads:2\": META-INF/services/dev.sennit.PoolProvider does not name the "
                                    + "kinds of this library; have the tool that made the jar merge and rename service "
                                    + "files (maven-shade-plugin: ServicesResourceTransformer)");
        } finally {
            thread.setContextClassLoader(before);
        }
    }

    /** Has the library once more, and none of its files. */
    private static final class WithoutServices extends ClassLoader {
        WithoutServices() {
            super(null); // the platform loader finds named modules, this library among them
        }

        @Override
        protected Class<?> findClass(String name) throws ClassNotFoundException {
            try (InputStream file = Pools.class.getResourceAsStream("/" + name.replace('.', '/') + ".class")) {
                if (file == null) {
                    throw new ClassNotFoundException(name);
                }
                byte[] bytes = file.readAllBytes();
                return defineClass(name, bytes, 0, bytes.length);
            } catch (IOException e) {
                throw new ClassNotFoundException(name, e);
            }
        }
    }

    private static List<String> inServicesFile() throws IOException {
        try (InputStream file = Pools.class.getResourceAsStream("/META-INF/services/dev.sennit.PoolProvider")) {
            return new String(file.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .map(line -> line.replaceAll("#.*", "").strip())
                    .filter(line -> !line.isEmpty())
                    .toList();
        }
    }

    private static List<String> inModuleDescriptor() throws IOException {
        // By its place: on a class path, the first of that name is one of the JDK's.
        String pools = Pools.class.getResource("Pools.class").toString();
        URL place = URI.create(pools.replace("dev/sennit/Pools.class", "module-info.class")).toURL();
        try (InputStream file = place.openStream()) {
            return ModuleDescriptor.read(file).provides().stream()
                    .filter(provides -> provides.service().equals(PoolProvider.class.getName()))
                    .flatMap(provides -> provides.providers().stream())
                    .toList();
        }
    }
}
