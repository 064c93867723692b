package dev.sennit.observe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.observe.TaskEvent.Kind;
import org.junit.jupiter.api.Test;

class TaskTimelineTest {
    private static void run(TaskTimeline timeline, int number, String pool, String worker, Kind end) {
        run(timeline, number, pool, "n", worker, end);
    }

    private static void run(TaskTimeline timeline, int number, String pool, String name, String worker, Kind end) {
        var task = new EventOf(number, pool, name);
        timeline.event(task.submitted(number * 10L));
        timeline.event(task.begun(number * 10L + 1, 1, worker));
        timeline.event(task.ended(end, number * 10L + 5, 4L, null));
    }

    @Test
    void eachRunIsABarInTheBandOfItsPoolAndName() {
        var timeline = new TaskTimeline();
        run(timeline, 0, "first", "w-1", Kind.SUCCEEDED);
        run(timeline, 1, "<second>\u0001", "w\u0002", Kind.FAILED);
        String svg = timeline.timeline().svg();
        assertThat(svg.split("<title>")).as("the picture's and two").hasSize(4);
        assertThat(svg.lines()).noneMatch(line -> line.matches(".*\\p{Cntrl}.*")); // XML has none
        assertThat(svg).contains("first: n 0 on w-1: 0.000 to 0.000 s<", "&lt;second&gt;?: n 1 on w?:", ", failed");
    }

    @Test
    void aPoolIsOneBandWhereTaskNamesMadeTooMany() {
        var timeline = new TaskTimeline();
        for (int i = 0; i < 16; i++) {
            run(timeline, i, "p", "task " + i, "w", Kind.SUCCEEDED);
        }
        assertThat(timeline.timeline().svg()).contains(">p: task 0<", ">p: task 15<");
        run(timeline, 16, "p", "task 16", "w", Kind.SUCCEEDED);
        assertThat(timeline.timeline().svg()).contains(">p<").doesNotContain("task");
    }

    @Test
    void memoryIsBounded() {
        var timeline = new TaskTimeline();
        for (int i = 0; i < TaskTimeline.MOST_RUNS + 3; i++) {
            run(timeline, i, "p", "w", Kind.SUCCEEDED);
        }
        assertThat(timeline.left()).isEqualTo(3);
        assertThat(timeline).hasToString("TaskTimeline[20000 runs, 3 left]");
    }
}
