package dev.sennit;

import dev.sennit.internal.ClassNames;
import java.util.function.Supplier;

/** A schedule that can be read: for those who look at tasks. */
final class TextSchedule implements Schedule {
    private final Schedule schedule;
    /** Made when it is asked for, as it may be of code of a user. */
    private final Supplier<String> text;

    TextSchedule(Schedule schedule, Supplier<String> text) {
        this.schedule = schedule;
        this.text = text;
    }

    /** Returns the text of a schedule; a lambda has none but the name of the class in which it was written. */
    static String text(Schedule schedule) {
        Class<?> type = schedule.getClass();
        return type.isSynthetic() ? ClassNames.readable(type) : schedule.toString();
    }

    @Override
    public Due next(Timing timing) {
        return schedule.next(timing);
    }

    @Override
    public String toString() {
        return text.get();
    }
}
