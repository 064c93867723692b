package dev.sennit;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.conditions.ArchPredicates.are;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.GeneralCodingRules.ACCESS_STANDARD_STREAMS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import dev.sennit.internal.Backend;
import dev.sennit.loop.EventLoop;
import dev.sennit.loop.KnowsProcess;
import dev.sennit.process.ProcessPool;
import dev.sennit.process.internal.Hidden;
import java.io.IOException;
import java.io.InputStream;
import java.lang.module.ModuleDescriptor;
import java.net.JarURLConnection;
import java.net.URI;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Who may depend on whom in this module, and what its code does without; see docs/ARCHITECTURE.md.
 *
 * <p>Each rule comes with a canary: code that breaks it, on which the rule has to fail. A rule that does not see its
 * canary would not see anything else.
 */
class ArchitectureTest {
    /** A rule, and classes that break it. */
    private record Guarded(ArchRule rule, List<Class<?>> canary) {
        Guarded(ArchRule rule, Class<?>... canary) {
            this(rule, List.of(canary));
        }
    }

    /** Those to come are covered as soon as they are there. */
    private static final List<String> PACKAGES =
            List.of("codec", "shared", "pipe", "manager", "process", "service", "http", "loop", "observe", "testing");

    private static final int MOST_FILES = 45;

    /** The project's folder, seen from a module's. */
    private static final Path ROOT = Path.of("..");

    private static final Pattern INTERNAL = Pattern.compile("dev\\.sennit\\.(\\w+)\\.internal(\\..*)?");

    private static List<Guarded> rules() {
        return List.of(
                new Guarded(
                        layeredArchitecture()
                                .consideringOnlyDependenciesInLayers()
                                .withOptionalLayers(true)
                                .layer("root").definedBy("dev.sennit")
                                .layer("codec").definedBy("dev.sennit.codec..")
                                .layer("shared").definedBy("dev.sennit.shared..")
                                .layer("pipe").definedBy("dev.sennit.pipe..")
                                .layer("manager").definedBy("dev.sennit.manager..")
                                .layer("process").definedBy("dev.sennit.process..")
                                .layer("service").definedBy("dev.sennit.service..")
                                .layer("http").definedBy("dev.sennit.http..")
                                .layer("loop").definedBy("dev.sennit.loop..")
                                .layer("observe").definedBy("dev.sennit.observe..")
                                .layer("testing").definedBy("dev.sennit.testing..")
                                .whereLayer("root").mayNotAccessAnyLayer()
                                .whereLayer("codec").mayOnlyAccessLayers("root")
                                .whereLayer("shared").mayOnlyAccessLayers("codec", "root")
                                .whereLayer("pipe").mayOnlyAccessLayers("codec", "root")
                                .whereLayer("manager").mayOnlyAccessLayers("codec", "root")
                                .whereLayer("process").mayOnlyAccessLayers("codec", "root")
                                .whereLayer("service")
                                .mayOnlyAccessLayers("process", "shared", "pipe", "manager", "root")
                                .whereLayer("http").mayOnlyAccessLayers("service", "process", "root")
                                .whereLayer("loop").mayOnlyAccessLayers("root")
                                .whereLayer("observe").mayOnlyAccessLayers("root")
                                .whereLayer("testing").mayOnlyAccessLayers("loop", "root")
                                .as("http -> service -> process, shared, pipe, manager -> codec -> root, loop -> root, "
                                        + "observe -> root, testing -> loop"),
                        RootKnowsProcess.class, ProcessPool.class, KnowsProcess.class),
                new Guarded(
                        classes()
                                .should()
                                .resideInAnyPackage(Stream.concat(
                                        Stream.of("dev.sennit", "dev.sennit.internal.."),
                                        PACKAGES.stream().map(name -> "dev.sennit." + name + ".."))
                                        .toArray(String[]::new))
                                .as("every package has its place among those who may depend on whom"),
                        com.tngtech.archunit.ArchConfiguration.class),
                new Guarded(
                        noClasses()
                                .that().resideInAPackage("dev.sennit.manager.wire")
                                .should().dependOnClassesThat().resideInAPackage("dev.sennit.manager")
                                .as("what managers and their clients say knows neither"),
                        dev.sennit.manager.wire.KnowsManager.class),
                new Guarded(
                        noClasses()
                                .that().resideInAPackage("dev.sennit.internal..")
                                .should().dependOnClassesThat(resideInAnyPackage("dev.sennit..")
                                        .and(are(describe("outside dev.sennit.internal",
                                                type -> !type.getPackageName().startsWith("dev.sennit.internal")))))
                                .as("what the whole module shares knows nothing of it"),
                        dev.sennit.internal.KnowsRoot.class),
                new Guarded(
                        noClasses()
                                .that()
                                .resideInAnyPackage("dev.sennit.internal.boot", "dev.sennit.internal.boot.canary")
                                .should().dependOnClassesThat().resideOutsideOfPackages(
                                        "dev.sennit.internal.boot", "java..", "org.jspecify..")
                                .as("what a worker starts with that has no library uses none"),
                        dev.sennit.internal.boot.canary.KnowsBackend.class),
                new Guarded(
                        classes().should(stayOutOfTheInternalsOfOthers()).as("internals of a package are its own"),
                        ReachesIntoProcess.class, Hidden.class),
                new Guarded(
                        noClasses()
                                .should().haveNameMatching(".*(Util|Utils|Helper|Helpers|Impl)(\\$.*)?")
                                .as("names are the field's own words"),
                        CanaryHelper.class),
                new Guarded(
                        noClasses().should().dependOnClassesThat().resideInAPackage("java.util.logging..")
                                .as("System.Logger is the only logger"),
                        loggingClassOfSomebodyElse()),
                new Guarded(
                        noClasses()
                                .that(are(describe(
                                        "not those that bring a worker's output home, or tell why a JVM ends",
                                        type -> !type.getName().matches(
                                                "dev\\.sennit\\.process\\.(Worker|Output|ProcessPool\\$Builder).*"
                                                        + "|dev\\.sennit\\.service\\.(ServiceMain|RunningService)"
                                                        + "|dev\\.sennit\\.testing\\.Exit"))))
                                .should(ACCESS_STANDARD_STREAMS)
                                .as("only workers and their output touch the standard streams"),
                        Prints.class),
                new Guarded(
                        noClasses()
                                .that().areNotAssignableTo(TimeSource.class).and().areNotAssignableTo(EventLoop.class)
                                // has it interrupted, once
                                .and().haveNameNotMatching("dev\\.sennit\\.internal\\.OwnScheduler.*")
                                .should()
                                .callMethodWhere(describe("sleep", call -> call.getTarget().getName().equals("sleep")
                                        && (call.getTarget().getOwner().isAssignableTo(Thread.class)
                                                || call.getTarget().getOwner().isEquivalentTo(TimeUnit.class))))
                                .as("the library waits for something, for some time only where it is asked to"),
                        Sleeps.class),
                new Guarded(
                        noClasses()
                                .that(are(describe("not the seam, nor a schedule's own time and threads",
                                        type -> !type.isAssignableTo(Backend.class)
                                                && !type.isAssignableTo(TimeSource.class)
                                                && !type.getName().startsWith("dev.sennit.internal.OwnScheduler")
                                                && !type.getPackageName().equals("dev.sennit.internal.boot")
                                                && !type.getPackageName().equals("dev.sennit.testing"))))
                                .should()
                                .callMethodWhere(describe("reads the clock or starts a thread",
                                        call -> call.getTarget().getOwner().isEquivalentTo(System.class)
                                                && call.getTarget().getName().equals("nanoTime")
                                                || call.getTarget().getName().equals("startVirtualThread")
                                                || call.getTarget().getName().equals("start")
                                                        && (call.getTarget().getOwner().isAssignableTo(Thread.class)
                                                                || call.getTarget().getOwner()
                                                                        .isAssignableTo(Thread.Builder.class))))
                                .as("time and threads come from the backend"),
                        ReadsTheClock.class, StartsAThread.class),
                new Guarded(
                        noClasses()
                                .should().dependOnClassesThat().resideOutsideOfPackages(
                                        "dev.sennit..", "java..", "javax.net.ssl..", "javax.crypto..",
                                        "javax.management..", "jdk.jfr..", "org.jspecify..")
                                .as("the core has no dependencies"),
                        ArchitectureTest.class),
                new Guarded(
                        noClasses()
                                .that().haveNameNotMatching("dev\\.sennit\\.internal\\.(Management|Beans).*")
                                .should().dependOnClassesThat().resideInAnyPackage(
                                        "java.lang.management..", "javax.management..", "java.util.logging..")
                                .as("a runtime image of java.base alone is enough"),
                        AsksTheBeans.class),
                new Guarded(
                        noClasses()
                                .that().haveNameNotMatching("dev\\.sennit\\.observe\\.FlightEvents?(\\$.*)?")
                                .should().dependOnClassesThat().resideInAPackage("jdk.jfr..")
                                .as("a runtime image may lack the flight recorder"),
                        AsksTheRecorder.class));
    }

    private static ArchCondition<JavaClass> stayOutOfTheInternalsOfOthers() {
        return new ArchCondition<>("stay out of the internals of others") {
            @Override
            public void check(JavaClass type, ConditionEvents events) {
                for (Dependency dependency : type.getDirectDependenciesFromSelf()) {
                    Matcher inside = INTERNAL.matcher(dependency.getTargetClass().getPackageName());
                    if (inside.matches()
                            && !(type.getPackageName() + ".").startsWith("dev.sennit." + inside.group(1) + ".")) {
                        events.add(SimpleConditionEvent.violated(dependency, dependency.getDescription()));
                    }
                }
            }
        };
    }

    // ---- canaries ----

    private static final class RootKnowsProcess {
        Object open() {
            return ProcessPool.builder();
        }
    }

    private static final class ReachesIntoProcess {
        Object reach() {
            return new Hidden();
        }
    }

    private static final class CanaryHelper {}

    private static final class Prints {
        void print() {
            System.out.println();
        }
    }

    static final class AsksTheBeans {
        long cpuTime() {
            return java.lang.management.ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
        }
    }

    static final class AsksTheRecorder {
        boolean isThere() {
            return jdk.jfr.FlightRecorder.isAvailable();
        }
    }

    private static final class Sleeps {
        void sleep() throws InterruptedException {
            TimeUnit.SECONDS.sleep(1);
        }
    }

    private static final class ReadsTheClock {
        long read() {
            return System.nanoTime();
        }
    }

    private static final class StartsAThread {
        void start() {
            Thread.ofVirtual().start(() -> {});
        }
    }

    /** Code of this module cannot even name that package. */
    private static Class<?> loggingClassOfSomebodyElse() {
        try {
            return Class.forName("org.junit.platform.commons.logging.LoggerFactory$DelegatingLogger");
        } catch (ClassNotFoundException e) {
            throw new AssertionError(e);
        }
    }

    // ---- the tests ----

    @TestFactory
    Stream<DynamicTest> theLibraryKeepsItsRules() throws IOException {
        JavaClasses library = library();
        return rules().stream().map(one -> dynamicTest(one.rule().getDescription(), () -> one.rule().check(library)));
    }

    @TestFactory
    Stream<DynamicTest> eachRuleSeesItsCanary() {
        return rules().stream().map(one -> dynamicTest(one.rule().getDescription(), () -> {
            JavaClasses canary = new ClassFileImporter().importClasses(one.canary());
            assertThatThrownBy(() -> one.rule().check(canary))
                    .isInstanceOf(AssertionError.class)
                    .hasMessageContaining("was violated")
                    .hasMessageContaining(one.rule().getDescription());
        }));
    }

    @Test
    void processAndLoopDoNotKnowEachOther() {
        JavaClasses canary = new ClassFileImporter().importClasses(KnowsProcess.class, ProcessPool.class);
        assertThatThrownBy(() -> rules().getFirst().rule().check(canary)).hasMessageContaining("KnowsProcess");
    }

    @Test
    void noPackageOfAnyModuleHasMoreFilesThanAReaderKeepsInMind() throws IOException {
        assertThat(filesByPackage(ROOT)).containsKeys("core: dev.sennit.codec", "cli: dev.sennit.cli.compare",
                "images: dev.sennit.images", "examples: dev.sennit.examples.pools");
        assertThat(packagesWithTooManyFiles(ROOT)).isEmpty();
    }

    @Test
    void theRuleOfFilesSeesItsCanary(@TempDir Path root) throws IOException {
        Path full = Files.createDirectories(root.resolve("one/src/main/java/acme/full"));
        Path fuller = Files.createDirectories(root.resolve("two/src/main/java/acme/full/er"));
        for (int i = 0; i < MOST_FILES; i++) {
            Files.createFile(full.resolve("Class" + i + ".java"));
            Files.createFile(fuller.resolve("Class" + i + ".java"));
        }
        Files.createFile(full.resolve("notes.txt"));
        assertThat(packagesWithTooManyFiles(root)).isEmpty();

        Files.createFile(fuller.resolve("package-info.java"));
        assertThat(packagesWithTooManyFiles(root)).containsExactly(Map.entry("two: acme.full.er", 46L));
    }

    private static Map<String, Long> packagesWithTooManyFiles(Path root) throws IOException {
        Map<String, Long> files = filesByPackage(root);
        files.remove("core: dev.sennit"); // the contract, and the engine that all kinds share
        files.values().removeIf(count -> count <= MOST_FILES);
        return files;
    }

    /** The sources of all modules, with their package-info. */
    private static Map<String, Long> filesByPackage(Path root) throws IOException {
        Map<String, Long> files = new TreeMap<>();
        try (Stream<Path> modules = Files.list(root)) {
            for (Path module : modules.toList()) {
                Path sources = module.resolve("src/main/java");
                if (Files.isDirectory(sources)) {
                    try (Stream<Path> all = Files.walk(sources)) {
                        all.filter(file -> file.toString().endsWith(".java"))
                                .map(file -> module.getFileName() + ": "
                                        + sources.relativize(file.getParent()).toString().replace('/', '.'))
                                .forEach(name -> files.merge(name, 1L, Long::sum));
                    }
                }
            }
        }
        return files;
    }

    /** Whatever is exported is a promise. */
    @Test
    void onlyWhatUsersMayUseIsExported() throws IOException {
        try (InputStream module = Pools.class.getResourceAsStream("/module-info.class")) {
            var exports = ModuleDescriptor.read(Objects.requireNonNull(module)).exports();
            assertThat(exports).filteredOn(ModuleDescriptor.Exports::isQualified)
                    .extracting(ModuleDescriptor.Exports::toString)
                    .containsExactly("dev.sennit.internal.text to [dev.sennit.server]");
            assertThat(exports).filteredOn(export -> !export.isQualified())
                    .extracting(ModuleDescriptor.Exports::source)
                    .containsExactlyInAnyOrder(
                            "dev.sennit", "dev.sennit.loop", "dev.sennit.manager", "dev.sennit.observe",
                            "dev.sennit.pipe", "dev.sennit.process", "dev.sennit.service",
                            "dev.sennit.shared", "dev.sennit.testing", "dev.sennit.testing.server");
        }
    }

    @Test
    void theRulesLookAtTheLibrary() throws IOException {
        JavaClasses library = library();

        assertThat(library.contain(Pools.class)).isTrue();
        assertThat(library.contain(ProcessPool.class)).isTrue();
        assertThat(library.contain(ArchitectureTest.class)).as("and not at its tests").isFalse();
    }

    /** The folder or jar that the library lies in: without the tests, which are patched into its module. */
    private static JavaClasses library() throws IOException {
        URL found = Pools.class.getResource("Pools.class");
        Path place = found.openConnection() instanceof JarURLConnection jar
                ? Path.of(URI.create(jar.getJarFileURL().toString()))
                : Path.of(URI.create(found.toString())).getParent().getParent().getParent();
        return new ClassFileImporter().importPath(place);
    }
}
