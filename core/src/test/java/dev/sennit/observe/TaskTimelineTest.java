package dev.sennit.observe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sennit.observe.TaskEvent.Kind;
import java.io.StringReader;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.xml.sax.InputSource;

class TaskTimelineTest {
    private static Document parsed(String svg) throws Exception {
        return DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new InputSource(new StringReader(svg)));
    }

    private static void run(TaskTimeline timeline, int number, String pool, String worker, Kind end) {
        var task = new EventOf(number, pool, "n");
        timeline.event(task.submitted(number * 10L));
        timeline.event(task.begun(number * 10L + 1, 1, worker));
        timeline.event(task.ended(end, number * 10L + 5, 4L, null));
    }

    @Test
    void eachRunIsABarInTheBandOfItsPool() throws Exception {
        var timeline = new TaskTimeline();
        run(timeline, 0, "first", "w-1", Kind.SUCCEEDED);
        run(timeline, 1, "<second>\u0001", "w\u0002", Kind.FAILED);
        String svg = timeline.timeline().svg();
        assertThat(parsed(svg).getElementsByTagName("title").getLength()).as("the picture's and two").isEqualTo(3);
        assertThat(svg).contains("first 0 on w-1: 0.000 to 0.000 s<", "&lt;second&gt;? 1 on w?:", ", failed");
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
