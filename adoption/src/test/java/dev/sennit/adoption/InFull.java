package dev.sennit.adoption;

import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** A test that takes longer than others: it runs in {@code ./test full}. */
@Retention(RetentionPolicy.RUNTIME)
@EnabledIfSystemProperty(named = InFull.PROPERTY, matches = "full")
@interface InFull {
    String PROPERTY = "sennit.adoption";
}
