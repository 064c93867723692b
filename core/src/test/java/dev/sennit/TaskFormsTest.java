package dev.sennit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * In which forms a task may be written: javac compiles each method that takes one with each form, on a line of its own,
 * and has to find the overload whose result the line declares.
 */
class TaskFormsTest {
    /** Methods whose result is the task's: a call with the form for %s. */
    private static final List<String> WITH_RESULT = List.of(
            "pool.submit(%s)",
            "pool.submit(%s, options)",
            "pool.submitAfter(delay, %s)",
            "pool.submitAfter(delay, %s, options)",
            "scope.fork(%s)",
            "scope.fork(%s, options)",
            "loop.startNow(%s)",
            "loop.offload(%s)");

    /** Methods that have no use for a result. */
    private static final List<String> WITHOUT_RESULT = List.of(
            "pool.execute(%s)",
            "pool.submit(%s, \"given\")",
            "loop.after(delay, %s)",
            "loop.at(moment, %s)",
            "periodic.add(\"name\", schedule, %s)");

    /** Methods that take an action alone. */
    private static final List<String> ACTIONS_ALONE = List.of(
            "dev.sennit.ThreadPool.builder().initializer(%s)",
            "dev.sennit.process.ProcessPool.builder().initializer(%s)");

    /** Forms whose value is an Integer. */
    private static final List<String> VALUES = List.of(
            "() -> 5",
            "() -> counter.incrementAndGet()", // void-compatible too: the value is not lost
            "() -> { return 5; }",
            "() -> { Thread.sleep(1); return 5; }",
            "() -> { if (number > 0) { return 5; } throw new Problem(); }",
            "counter::incrementAndGet",
            "Forms::valueOrProblem",
            "callable",
            "task");

    /** Forms without a value. */
    private static final List<String> ACTIONS = List.of(
            "() -> list.clear()",
            "() -> Forms.problem()",
            "() -> { }",
            "() -> { Thread.sleep(100); }",
            "() -> { if (number > 0) { throw new Problem(); } }",
            "() -> { if (number > 0) { return; } Thread.sleep(1); }",
            "() -> { synchronized (list) { list.wait(); } }",
            "() -> { try { Thread.sleep(1); } finally { list.clear(); } }",
            "list::clear",
            "Forms::problem",
            "runnable",
            "action");

    /** Forms that never return: they are a value of any type as well as none. */
    private static final List<String> NEVER =
            List.of("() -> { throw new Problem(); }", "() -> { while (true) { Thread.sleep(1); } }");

    /** Two methods of one name: the Javadoc of {@code Pool.submit(Action)} says to write a lambda. */
    private static final List<String> AMBIGUOUS = List.of("System.out::println", "Forms::overloaded");

    /** Functions of one argument, for {@code list}, which holds Integers. */
    private static final List<String> FUNCTIONS = List.of(
            "n -> n + 1",
            "(Integer n) -> n + 1",
            "n -> Forms.increment(n)",
            "n -> { Thread.sleep(1); return n; }",
            "Forms::increment",
            "Math::abs",
            "java.util.function.Function.identity()",
            "function",
            "ofObjects",
            "operator",
            "taskFunction");

    private static final List<String> BIFUNCTIONS =
            List.of("(a, b) -> a + b", "Integer::sum", "Forms::add", "biFunction", "biOperator", "taskBiFunction");

    private static final List<String> CONSUMERS = List.of(
            "n -> System.out.println(n)",
            "n -> list.add(n)",
            "n -> { Thread.sleep(1); }",
            "System.out::println",
            "Forms::increment",
            "Forms::take",
            "consumer",
            "itemAction");

    @TempDir
    private Path folder;

    private final Map<String, String> cells = new LinkedHashMap<>();

    private void add(String declaration, String method, String form) {
        String call = method.formatted(form);
        cells.put(call, declaration + call + ";");
    }

    @Test
    void everyFormCompilesWhereATaskIsTaken() throws Exception {
        for (String method : WITH_RESULT) {
            VALUES.forEach(form -> add("TaskFuture<Integer> it = ", method, form));
            ACTIONS.forEach(form -> add("TaskFuture<Void> it = ", method, form));
            NEVER.forEach(form -> add("TaskFuture<Object> it = ", method, form));
        }
        VALUES.forEach(form -> add("Integer it = ", "dev.sennit.loop.EventLoop.run(%s)", form));
        ACTIONS.forEach(form -> add("", "dev.sennit.loop.EventLoop.run(%s)", form));
        NEVER.forEach(form -> add("", "dev.sennit.loop.EventLoop.run(%s)", form));
        for (String method : WITHOUT_RESULT) {
            ACTIONS.forEach(form -> add("", method, form));
            NEVER.forEach(form -> add("", method, form));
            add("", method, "() -> counter.incrementAndGet()");
            add("", method, "counter::incrementAndGet");
        }
        for (String method : ACTIONS_ALONE) {
            ACTIONS.forEach(form -> add("", method, form.equals("runnable") ? "runnable::run" : form));
        }
        assertThat(compile()).isEmpty();
    }

    /** Where all tasks are strings, an action has no value, and a number is none. */
    @Test
    void everyFormCompilesInAScopeOfOneType() throws Exception {
        add("TaskFuture<String> it = ", "strings.fork(%s)", "() -> \"text\"");
        add("TaskFuture<String> it = ", "strings.fork(%s)", "() -> { throw new Problem(); }");
        ACTIONS.forEach(form -> add("TaskFuture<Void> it = ", "strings.fork(%s)", form));
        assertThat(compile()).isEmpty();
    }

    @Test
    void functionsOfTheJdkAreTakenWhereATaskFunctionIs() throws Exception {
        for (String form : FUNCTIONS) {
            String result = form.equals("ofObjects") ? "String" : "Integer";
            add("List<" + result + "> it = ", "pool.map(%s, list)", form);
            add("List<" + result + "> it = ", "pool.chunksOf(2).map(%s, list)", form);
            add("TaskFuture<List<" + result + ">> it = ", "pool.mapAsync(%s, list)", form);
            if (!form.startsWith("java.util")) {
                // has no type of its own there: javac would have to guess it from what follows
                add("List<" + result + "> it = ", "list.stream().gather(pool.mapping(%s)).toList()", form);
                add("List<" + result + "> it = ", "list.stream().gather(pool.mappingUnordered(%s)).toList()", form);
            }
            add("var it = ", "Pipeline.from(list).through(\"stage\", pool, %s)", form);
            add("var it = ", "Pipeline.from(list).through(\"stage\", pool, %s, with -> with.atMost(1))", form);
        }
        BIFUNCTIONS.forEach(form -> add("List<Integer> it = ", "pool.map(%s, list, list)", form));
        CONSUMERS.forEach(form -> add("", "pool.forEach(list, %s)", form));
        assertThat(compile()).isEmpty();
    }

    /** javac itself decides these; what to write instead compiles. */
    @Test
    void anOverloadedMethodReferenceIsAmbiguousAndALambdaIsNot() throws Exception {
        List<String> taken = new ArrayList<>(WITH_RESULT);
        taken.add("dev.sennit.loop.EventLoop.run(%s)");
        for (String method : taken) {
            AMBIGUOUS.forEach(form -> add("", method, form));
        }
        assertThat(compile()).hasSameSizeAs(cells.values()).allMatch(one -> one.contains("ambiguous"));
        cells.clear();
        for (String method : taken) {
            add("", method, "() -> System.out.println()");
            add("", method, "() -> Forms.overloaded()");
        }
        assertThat(compile()).isEmpty();
    }

    /** Compiles all cells; returns those that javac refuses, each with what it says. */
    private List<String> compile() throws Exception {
        List<String> calls = List.copyOf(cells.keySet());
        String methods = calls.stream()
                .map(call -> "    void cell() throws Exception { " + cells.get(call) + " }")
                .collect(Collectors.joining("\n"));
        int number = 0;
        var numbered = new StringBuilder();
        for (String line : methods.split("\n")) {
            numbered.append(line.replaceFirst("cell", "cell" + number++)).append('\n');
        }
        String source = HEAD + numbered + "}\n";
        int firstLine = (int) HEAD.lines().count() + 1;
        Path file = Files.writeString(folder.resolve("Forms.java"), source);
        var said = new StringWriter();
        ToolProvider javac = ToolProvider.findFirst("javac").orElseThrow();
        javac.run(
                new PrintWriter(said),
                new PrintWriter(said),
                "-proc:none",
                "-implicit:none",
                "-Xmaxerrs",
                "10000",
                "-cp",
                placeOf(Pool.class) + File.pathSeparator + placeOf(Nullable.class),
                "-d",
                folder.toString(),
                file.toString());
        var refused = new TreeSet<Integer>();
        Map<Integer, String> why = new LinkedHashMap<>();
        for (MatchResult error : Pattern.compile("(?m)^.*Forms\\.java:(\\d+): error: (.*)$").matcher(said.toString())
                .results().toList()) {
            int line = Integer.parseInt(error.group(1)) - firstLine;
            refused.add(line);
            why.merge(line, error.group(2), (one, other) -> one + "; " + other);
        }
        assertThat(refused).as(said::toString).allMatch(line -> line >= 0 && line < calls.size());
        if (refused.isEmpty()) {
            assertThat(folder.resolve("Forms.class")).as(said::toString).exists(); // else javac did not run at all
        }
        return refused.stream().map(line -> calls.get(line) + " - " + why.get(line)).toList();
    }

    private static Path placeOf(Class<?> type) throws Exception {
        return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
    }

    private static final String HEAD =
            """
            import dev.sennit.*;
            import dev.sennit.loop.EventLoop;
            import java.util.List;
            import java.util.concurrent.Callable;
            import java.util.concurrent.atomic.AtomicInteger;
            import java.util.function.*;

            class Forms {
                Pool pool;
                EventLoop loop;
                TaskScope<Object, Void> scope;
                TaskScope<String, String> strings;
                PeriodicWorker periodic;
                Schedule schedule;
                TaskOptions options;
                java.time.Duration delay;
                java.time.Instant moment;
                AtomicInteger counter;
                List<Integer> list;
                int number;
                Callable<Integer> callable;
                Runnable runnable;
                Task<Integer> task;
                Action action;
                Function<Integer, Integer> function;
                Function<Object, String> ofObjects;
                UnaryOperator<Integer> operator;
                TaskFunction<Integer, Integer> taskFunction;
                BiFunction<Integer, Integer, Integer> biFunction;
                BinaryOperator<Integer> biOperator;
                TaskBiFunction<Integer, Integer, Integer> taskBiFunction;
                Consumer<Object> consumer;
                ItemAction<Integer> itemAction;

                static class Problem extends Exception {}

                static int valueOrProblem() throws Problem {
                    throw new Problem();
                }

                static void problem() throws Problem {
                    throw new Problem();
                }

                static void overloaded() {}

                static void overloaded(int more) {}

                static Integer increment(Integer n) throws Problem {
                    return n + 1;
                }

                static Integer add(Integer a, Integer b) throws Problem {
                    return a + b;
                }

                static void take(Integer n) throws Problem {}

            """;
}
