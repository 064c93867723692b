package dev.sennit.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.Token;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** How a worker makes the argument of a task. */
class ArgumentsTest {
    private static String argument(String payload, Map<String, String> headers, String... inputs) {
        QueuedTask task = QueuedTask.of("t", payload.getBytes(StandardCharsets.UTF_8)).headers(headers).build();
        List<byte[]> results =
                Arrays.stream(inputs).map(each -> each.getBytes(StandardCharsets.UTF_8)).toList();
        return new String(Arguments.of(
                new Claim(new Token(task.id(), 1), task, 0, 0, Instant.EPOCH, null, results)), StandardCharsets.UTF_8);
    }

    private static String shaped(String shape, String... inputs) {
        return argument("null", Map.of(QueuedTask.ARGUMENT, shape), inputs);
    }

    @Test
    void withoutAHeaderItIsThePayloadOrTheInputOrTheListOfInputs() {
        assertThat(argument("7", Map.of())).isEqualTo("7");
        assertThat(argument("7", Map.of(), "1")).isEqualTo("1");
        assertThat(argument("7", Map.of(), "1", "\"a\"", "null")).isEqualTo("[1,\"a\",null]");
    }

    @Test
    void ownIsThePayload() {
        assertThat(argument("7", Map.of(QueuedTask.ARGUMENT, "own"), "1", "2")).isEqualTo("7");
    }

    @Test
    void aShapeWithoutInputsIsThePayload() {
        assertThat(shaped("(2)")).isEqualTo("null");
    }

    @Test
    void aShapeSaysHowInputsAreNested() {
        assertThat(shaped(".", "1")).isEqualTo("1");
        assertThat(shaped("(1)", "1")).isEqualTo("[1]");
        assertThat(shaped("(2(2)1)", "1", "2", "3", "4", "5")).isEqualTo("[1,2,[3,4],5]");
        assertThat(shaped("((1)(1))", "1", "2")).isEqualTo("[[1],[2]]");
        assertThat(shaped("(()1())", "1")).isEqualTo("[[],1,[]]");
        assertThat(shaped("-2()", "1", "2")).isEqualTo("[]");
        assertThat(shaped("(1-1()1)", "1", "2", "3")).isEqualTo("[1,[],3]");
    }

    @Test
    void listsAreConcatenatedAsTheyAre() {
        assertThat(shaped("+(3)", "[1, 2]", " [ ]\n", "[[3],\"]\"] ")).isEqualTo("[1, 2,[3],\"]\"]");
        assertThat(shaped("(1+(1)1)", "0", "[]", "9")).isEqualTo("[0,[],9]");
        assertThat(shaped("-1+(0)", "0")).isEqualTo("[]");
        assertThatThrownBy(() -> shaped("+(2)", "[1]", "null")).isInstanceOf(TaskDataException.class)
                .hasMessage("the argument of t cannot be made of 2 results by the header sennit-argument \"+(2)\": "
                        + "a result is no list");
    }

    @Test
    void deadIsMadeOfHeadersUnlessThereIsAnotherArgument() {
        Map<String, String> headers = Map.of(QueuedTask.ARGUMENT, "dead", QueuedTask.DEAD_ID, "17",
                QueuedTask.DEAD_TYPE, "thumbs", QueuedTask.DEAD_REASON, "FAILED", QueuedTask.DEAD_ERROR, "X: \"y\"");
        assertThat(argument("", headers)).isEqualTo(
                "{\"id\":\"17\",\"type\":\"thumbs\",\"reason\":\"FAILED\",\"error\":\"X: \\\"y\\\"\"}");
        assertThat(argument("{}", headers)).isEqualTo("{}");
    }

    @Test
    void aShapeThatDoesNotFitIsRefused() {
        for (String bad : List.of("", "(", ")", "()", "(1)", "(3)", "(2", "(2))", "2", "(2)(0)", "..", "x", "+", "+2",
                "+(", "+()", "+(x)", "-", "-2", "-x(2)", "(99999999999)", "(1)-1", "(2) ", "(-1)", "é", "+(-1)")) {
            if (!bad.equals("(1)-1")) {
                assertThatThrownBy(() -> shaped(bad, "[1]", "[2]")).as(bad).isInstanceOf(TaskDataException.class);
            }
        }
        assertThat(shaped("(1)-1", "[1]", "[2]")).isEqualTo("[[1]]");
    }

    @Test
    void anyHeaderIsRefusedOrGivesAnArgumentAndNeverTakesTheWorkerDown() {
        assertThatThrownBy(() -> shaped("(".repeat(1_000_000), "1")).isInstanceOf(TaskDataException.class);
        var random = new Random(20);
        for (int i = 0; i < 20_000; i++) {
            var shape = new StringBuilder();
            for (int k = random.nextInt(8); k >= 0; k--) {
                shape.append("()+-.012".charAt(random.nextInt(8)));
            }
            try {
                assertThat(shaped(shape.toString(), "[1]", "[2]")).isNotEmpty();
            } catch (TaskDataException e) {
                assertThat(e).hasMessageStartingWith("the argument of t cannot be made");
            }
        }
    }
}
