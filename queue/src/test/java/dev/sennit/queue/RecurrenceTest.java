package dev.sennit.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.cronutils.model.CronType;
import com.cronutils.model.definition.CronDefinitionBuilder;
import com.cronutils.model.time.ExecutionTime;
import com.cronutils.parser.CronParser;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.temporal.ChronoUnit;
import java.time.zone.ZoneOffsetTransition;
import java.time.zone.ZoneRules;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** When schedules are due. */
class RecurrenceTest {
    private static final ZoneId VIENNA = ZoneId.of("Europe/Vienna");

    /** Local times with their offsets. */
    private static List<String> times(String expression, ZoneId zone, String after, int count) {
        Recurrence cron = Recurrence.cron(expression, zone);
        Instant last = LocalDateTime.parse(after).atZone(zone).toInstant();
        List<String> times = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            last = cron.next(last);
            times.add(last.atZone(zone).toOffsetDateTime().toString());
        }
        return times;
    }

    private static List<String> times(String expression, String after, int count) {
        return times(expression, ZoneOffset.UTC, after, count).stream().map(each -> each.replace("Z", "")).toList();
    }

    // ---- expressions ----

    @Test
    void fieldsAreStarsNumbersRangesStepsAndLists() {
        assertThat(times("0 3 * * *", "2026-01-01T03:00", 2)).containsExactly("2026-01-02T03:00", "2026-01-03T03:00");
        assertThat(times("*/20 * * * *", "2026-01-01T03:19:59", 4)).containsExactly("2026-01-01T03:20",
                "2026-01-01T03:40", "2026-01-01T04:00", "2026-01-01T04:20");
        assertThat(times("5,10-20/5 9-10 * * *", "2026-01-01T09:11", 5)).containsExactly("2026-01-01T09:15",
                "2026-01-01T09:20", "2026-01-01T10:05", "2026-01-01T10:10", "2026-01-01T10:15");
        assertThat(times("50/5 23 * * *", "2026-01-01T00:00", 3)).containsExactly("2026-01-01T23:50",
                "2026-01-01T23:55", "2026-01-02T23:50");
        assertThat(times("  0   0\t1 * *  ", "2026-01-01T00:00", 1)).containsExactly("2026-02-01T00:00");
    }

    @Test
    void monthsAndDaysHaveNames() {
        assertThat(times("0 12 * JAN,mar Mon-wed", "2026-01-01T00:00", 3)).containsExactly("2026-01-05T12:00",
                "2026-01-06T12:00", "2026-01-07T12:00");
        for (String sunday : List.of("0", "7", "sun", "SUN")) {
            assertThat(times("0 0 * * " + sunday, "2026-01-01T00:00", 1)).containsExactly("2026-01-04T00:00");
        }
        assertThat(times("0 0 * * fri-sun", "2026-01-01T00:00", 4)).containsExactly("2026-01-02T00:00",
                "2026-01-03T00:00", "2026-01-04T00:00", "2026-01-09T00:00");
        assertThat(times("0 0 * * sun-sun", "2026-01-01T00:00", 2)).containsExactly("2026-01-04T00:00",
                "2026-01-11T00:00");
    }

    @Test
    void aDayFitsEitherFieldIfBothAreRestricted() {
        assertThat(times("0 0 13 * fri", "2026-01-01T00:00", 4)).containsExactly("2026-01-02T00:00",
                "2026-01-09T00:00", "2026-01-13T00:00", "2026-01-16T00:00");
        assertThat(times("0 0 */2 * mon", "2026-01-01T00:00", 2)).containsExactly("2026-01-05T00:00",
                "2026-01-19T00:00");
    }

    @Test
    void leapDaysAreFound() {
        assertThat(times("0 0 29 2 *", "2026-01-01T00:00", 2)).containsExactly("2028-02-29T00:00", "2032-02-29T00:00");
        assertThat(times("0 0 29 2 *", "2096-02-29T00:00", 1)).containsExactly("2104-02-29T00:00");
        assertThat(times("0 0 29 2 */7", "2096-02-29T00:00", 1)).containsExactly("2128-02-29T00:00"); // a Sunday
        assertThat(times("0 0 31 * *", "2026-01-31T00:00", 2)).containsExactly("2026-03-31T00:00", "2026-05-31T00:00");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            61 * * * *       | field 1 (minute): must be from 0 to 59, was 61
            * 24 * * *       | field 2 (hour): must be from 0 to 23, was 24
            * * 0 * *        | field 3 (day of month): must be from 1 to 31, was 0
            * * * foo *      | field 4 (month): "foo" is no number and no name
            * * * * 8        | field 5 (day of week): must be from 0 to 7, was 8
            a * * * *        | field 1 (minute): "a" is no number
            1,,2 * * * *     | field 1 (minute): a value is missing
            */0 * * * *      | field 1 (minute): the step must be from 1 to 59, was 0
            */ * * * *       | field 1 (minute): a value is missing
            5-2 * * * *      | field 1 (minute): the range 5-2 is backwards
            * * * * sat-mon  | field 5 (day of week): the range sat-mon is backwards
            -5 * * * *       | field 1 (minute): a value is missing
            * * L * *        | field 3 (day of month): "L" is no number
            * * * *          | it needs 5 fields (minute, hour, day of month, month, day of week), and has 4
            0 * * * * *      | it needs 5 fields (minute, hour, day of month, month, day of week), and has 6
            @daily           | it needs 5 fields (minute, hour, day of month, month, day of week), and has 1
            ''               | it needs 5 fields (minute, hour, day of month, month, day of week), and has 0
            0 0 30 2 *       | no month of it has such a day
            0 0 31 4,6,9 *   | no month of it has such a day
            99999999999 * * * * | field 1 (minute): "99999999999" is no number
            """)
    void anErrorIsOneLineThatNamesTheField(String expression, String why) {
        assertThatThrownBy(() -> Recurrence.cron(expression, VIENNA)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the cron expression \"" + expression + "\" is wrong: " + why);
    }

    @Test
    void anErrorShowsNoControlCharactersAndNoNovel() {
        assertThatThrownBy(() -> Recurrence.cron("a\u001b[31m\n".repeat(100) + " * * * *", VIENNA))
                .hasMessageNotContaining("\n").hasMessageNotContaining("\u001b")
                .satisfies(e -> assertThat(e.getMessage().length()).isLessThan(250));
    }

    @Test
    void anotherLibraryFindsTheSameTimes() {
        var random = new Random(5);
        var parser = new CronParser(CronDefinitionBuilder.instanceDefinitionFor(CronType.UNIX));
        for (int i = 0; i < 400; i++) {
            String expression = String.join(" ", field(random, 0, 59), field(random, 0, 23), field(random, 1, 28),
                    field(random, 1, 12), field(random, 0, 6));
            ZonedDateTime theirs = ZonedDateTime.of(2026, 1 + random.nextInt(12), 1 + random.nextInt(28),
                    random.nextInt(24), random.nextInt(60), 0, 0, ZoneOffset.UTC);
            Instant ours = theirs.toInstant();
            Recurrence cron = Recurrence.cron(expression, ZoneOffset.UTC);
            ExecutionTime other = ExecutionTime.forCron(parser.parse(expression));
            for (int k = 0; k < 5; k++) {
                theirs = other.nextExecution(theirs).orElseThrow();
                ours = cron.next(ours);
                assertThat(ours).as("%s, time %s", expression, k).isEqualTo(theirs.toInstant());
            }
        }
    }

    private static String field(Random random, int least, int most) {
        int one = least + random.nextInt(most - least + 1);
        int other = least + random.nextInt(most - least + 1);
        return switch (random.nextInt(5)) {
            case 0 -> String.valueOf(one);
            case 1 -> Math.min(one, other) + "-" + Math.max(one, other);
            case 2 -> one + "," + other;
            default -> "*";
        };
    }

    // ---- clocks that are put forward and back ----

    @Test
    void aTimeThatDoesNotExistIsDueAtTheChangeOnce() {
        assertThat(times("30 2 * * *", VIENNA, "2026-03-28T12:00", 3)).containsExactly("2026-03-29T03:00+02:00",
                "2026-03-30T02:30+02:00", "2026-03-31T02:30+02:00");
        assertThat(times("*/20 2,3 * * *", VIENNA, "2026-03-29T01:00", 3)).containsExactly("2026-03-29T03:00+02:00",
                "2026-03-29T03:20+02:00", "2026-03-29T03:40+02:00");
        assertThat(times("0 3 * * *", VIENNA, "2026-03-28T12:00", 2)).containsExactly("2026-03-29T03:00+02:00",
                "2026-03-30T03:00+02:00");
    }

    @Test
    void aTimeThatExistsTwiceIsDueOnce() {
        assertThat(times("30 2 * * *", VIENNA, "2026-10-24T12:00", 3)).containsExactly("2026-10-25T02:30+02:00",
                "2026-10-26T02:30+01:00", "2026-10-27T02:30+01:00");
        assertThat(times("0 2,3 * * *", VIENNA, "2026-10-25T00:00", 3)).containsExactly("2026-10-25T02:00+02:00",
                "2026-10-25T03:00+01:00", "2026-10-26T02:00+01:00");
    }

    @Test
    void aScheduleThatGoesOnThroughTheDayGoesThroughBothHours() {
        assertThat(times("*/30 * * * *", VIENNA, "2026-10-25T01:30", 6)).containsExactly("2026-10-25T02:00+02:00",
                "2026-10-25T02:30+02:00", "2026-10-25T02:00+01:00", "2026-10-25T02:30+01:00", "2026-10-25T03:00+01:00",
                "2026-10-25T03:30+01:00");
        assertThat(times("15 * * * *", VIENNA, "2026-10-25T01:30", 3)).containsExactly("2026-10-25T02:15+02:00",
                "2026-10-25T02:15+01:00", "2026-10-25T03:15+01:00");
        assertThat(times("*/30 * * * *", VIENNA, "2026-03-29T01:00", 3)).containsExactly("2026-03-29T01:30+01:00",
                "2026-03-29T03:00+02:00", "2026-03-29T03:30+02:00");
        assertThat(times("0 */6 * * *", VIENNA, "2026-10-24T20:00", 3)).containsExactly("2026-10-25T00:00+02:00",
                "2026-10-25T06:00+01:00", "2026-10-25T12:00+01:00");
    }

    @Test
    void changesOfOtherSizesAndPlaces() {
        assertThat(times("15 2 * * *", ZoneId.of("Australia/Lord_Howe"), "2026-10-03T12:00", 2)) // half an hour
                .containsExactly("2026-10-04T02:30+11:00", "2026-10-05T02:15+11:00");
        assertThat(times("45 1 * * *", ZoneId.of("Australia/Lord_Howe"), "2026-04-04T12:00", 2))
                .containsExactly("2026-04-05T01:45+11:00", "2026-04-06T01:45+10:30");
        assertThat(times("0 12 * * *", ZoneId.of("Pacific/Apia"), "2011-12-29T11:00", 3)) // a day that was not
                .containsExactly("2011-12-29T12:00-10:00", "2011-12-31T00:00+14:00", "2011-12-31T12:00+14:00");
        assertThat(times("30 0 * * *", ZoneId.of("America/Havana"), "2026-03-07T12:00", 2)) // at midnight
                .containsExactly("2026-03-08T01:00-04:00", "2026-03-09T00:30-04:00");
        assertThat(times("0 3 * * *", ZoneId.of("Asia/Kolkata"), "2026-03-28T12:00", 1))
                .containsExactly("2026-03-29T03:00+05:30");
    }

    /** Compares with the sentences of the Javadoc, minute by minute: near each change of the clock, or all year. */
    @Test
    void eachMinuteIsDueAsTheZoneSays() {
        for (ZoneId zone : List.of(VIENNA, ZoneId.of("America/New_York"), ZoneId.of("Australia/Lord_Howe"))) {
            Instant year = LocalDateTime.of(2026, 1, 1, 0, 0).atZone(zone).toInstant();
            if (Boolean.getBoolean("sennit.full")) {
                assertEachMinuteIsDue(zone, year, year.plus(Duration.ofDays(365)));
            }
            ZoneRules rules = zone.getRules();
            for (ZoneOffsetTransition change = rules.nextTransition(year); change.getInstant().isBefore(
                    year.plus(Duration.ofDays(365))); change = rules.nextTransition(change.getInstant())) {
                Instant begin = change.getInstant().minus(Duration.ofDays(2)).truncatedTo(ChronoUnit.MINUTES);
                assertEachMinuteIsDue(zone, begin, begin.plus(Duration.ofDays(4)));
            }
            assertEachMinuteIsDue(zone, year.minus(Duration.ofDays(2)), year.plus(Duration.ofDays(3)));
        }
    }

    private static void assertEachMinuteIsDue(ZoneId zone, Instant begin, Instant end) {
        for (String expression : List.of("*/7 * * * *", "13 1,2 * * *", "0 */2 * * *", "30 2 * 3,4,10,11 *")) {
            Recurrence cron = Recurrence.cron(expression, zone);
            Cron local = Cron.parse(expression);
            List<Instant> expected = new ArrayList<>();
            for (Instant each = begin.plusSeconds(60); each.isBefore(end); each = each.plusSeconds(60)) {
                if (isDue(local, zone, each)) {
                    expected.add(each);
                }
            }
            List<Instant> found = new ArrayList<>();
            for (Instant each = cron.next(begin); each.isBefore(end); each = cron.next(each)) {
                found.add(each);
            }
            assertThat(found).as("%s in %s from %s", expression, zone, begin).isEqualTo(expected);
        }
    }

    private static boolean isDue(Cron cron, ZoneId zone, Instant moment) {
        LocalDateTime time = LocalDateTime.ofInstant(moment, zone);
        boolean fits = time.equals(cron.next(time.minusMinutes(1)));
        if (fits && (cron.hasWildcardTime() || time.atZone(zone).toInstant().equals(moment))) {
            return true;
        }
        LocalDateTime before = LocalDateTime.ofInstant(moment.minusSeconds(60), zone).plusMinutes(1);
        LocalDateTime next = cron.next(before.minusMinutes(1));
        return before.isBefore(time) && next != null && next.isBefore(time); // the clock was put forward
    }

    // ---- intervals ----

    @Test
    void intervalsCountFromTheDueTimeAndDoNotDrift() {
        Recurrence ten = Recurrence.every(Duration.ofMinutes(10));
        Instant due = Instant.parse("2026-01-01T00:00:07Z");
        assertThat(ten.next(due)).isEqualTo("2026-01-01T00:10:07Z");
        assertThat(ten.after(due, Instant.parse("2026-01-01T00:10:06Z"))).isEqualTo("2026-01-01T00:10:07Z");
        assertThat(ten.after(due, Instant.parse("2026-01-01T00:10:07Z"))).isEqualTo("2026-01-01T00:20:07Z");
        assertThat(ten.after(due, Instant.parse("2025-12-01T00:10:07Z"))).isEqualTo(due);
        assertThat(ten.after(due, Instant.parse("2036-01-01T00:00:00Z"))).isEqualTo("2036-01-01T00:00:07Z");
    }

    @Test
    void intervalsKnowNoClockThatIsPutForward() {
        Instant before = LocalDateTime.parse("2026-03-28T12:00").atZone(VIENNA).toInstant();
        assertThat(Recurrence.every(Duration.ofDays(1)).next(before).atZone(VIENNA).toLocalDateTime())
                .isEqualTo("2026-03-29T13:00");
    }

    @Test
    void anIntervalIsWholeMilliseconds() {
        for (Duration bad : List.of(Duration.ZERO, Duration.ofSeconds(-1), Duration.ofNanos(1_500_000))) {
            assertThatThrownBy(() -> Recurrence.every(bad)).isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("period must be >= 1 ms and in whole milliseconds, was " + bad);
        }
    }

    @Test
    void dueTimesUpToAMomentAreTheLastOnes() {
        Instant from = Instant.parse("2026-01-01T00:00:00Z");
        Recurrence second = Recurrence.every(Duration.ofSeconds(1));
        assertThat(second.due(from, from.plusMillis(2500), 10)).containsExactly(from, from.plusSeconds(1),
                from.plusSeconds(2));
        assertThat(second.due(from, from.plus(Duration.ofDays(3650)), 2)).containsExactly(
                from.plus(Duration.ofDays(3650)).minusSeconds(1), from.plus(Duration.ofDays(3650)));
        assertThat(second.due(from, from.minusMillis(1), 10)).isEmpty();
        Recurrence minutely = Recurrence.cron("* * * * *", VIENNA);
        assertThat(minutely.due(from, from.plus(Duration.ofDays(3650)), 3)).containsExactly(
                Stream.of(2, 1, 0).map(back -> from.plus(Duration.ofDays(3650)).minus(Duration.ofMinutes(back)))
                        .toArray(Instant[]::new));
        Recurrence yearly = Recurrence.cron("0 0 1 1 *", ZoneOffset.UTC);
        assertThat(yearly.due(from, Instant.parse("2036-06-01T00:00:00Z"), 1000)).hasSize(11).startsWith(from);
        assertThat(yearly.due(from, Instant.parse("2036-06-01T00:00:00Z"), 1))
                .containsExactly(Instant.parse("2036-01-01T00:00:00Z"));
        assertThat(minutely.due(from, from.plusSeconds(59), 1000)).containsExactly(from);
        assertThat(IntStream.range(0, 5).mapToObj(i -> minutely.due(from, from.plusSeconds(60 * i), 100).size()))
                .containsExactly(1, 2, 3, 4, 5);
    }

    // ---- texts ----

    @Test
    void whatIsWrittenCanBeReadAgain() {
        for (Recurrence each : List.of(Recurrence.every(Duration.ofMinutes(10)),
                Recurrence.cron("0  3 * * MON", VIENNA))) {
            Recurrence again = Recurrence.parse(each.toString(), each.zone().getId());
            assertThat(again).isEqualTo(each).hasSameHashCodeAs(each);
        }
        assertThat(Recurrence.every(Duration.ofMinutes(10))).hasToString("every PT10M")
                .isNotEqualTo(Recurrence.every(Duration.ofMinutes(11)));
        assertThat(Recurrence.cron("0 3 * * *", VIENNA)).isNotEqualTo(Recurrence.cron("0 3 * * *", ZoneOffset.UTC));
    }

    @Test
    void whatCannotBeReadIsToldInOneLine() {
        assertThatThrownBy(() -> Recurrence.parse("every day", "UTC")).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a period is written as in \"every PT10M\", was \"every day\"");
        assertThatThrownBy(() -> Recurrence.parse("0 3 * * *", "Wien")).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the time zone \"Wien\" is not known: it is written as in Europe/Vienna");
    }

}
