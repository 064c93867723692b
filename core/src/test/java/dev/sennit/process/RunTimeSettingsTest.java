package dev.sennit.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SimpleTimeZone;
import java.util.TimeZone;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a program has set since its start, as options of its workers. */
class RunTimeSettingsTest {
    private final TimeZone zone = TimeZone.getDefault();
    private final String zoneProperty = System.getProperty("user.timezone");
    private final Locale locale = Locale.getDefault();
    private final Locale display = Locale.getDefault(Locale.Category.DISPLAY);
    private final Locale format = Locale.getDefault(Locale.Category.FORMAT);

    @AfterEach
    void restore() {
        System.setProperty("user.timezone", zoneProperty);
        TimeZone.setDefault(zone);
        Locale.setDefault(locale);
        Locale.setDefault(Locale.Category.DISPLAY, display);
        Locale.setDefault(Locale.Category.FORMAT, format);
    }

    /** As programs do first of all: the default is read from the property when somebody first asks for it. */
    @Test
    void aTimeZoneSetByItsPropertyTravels() {
        System.setProperty("user.timezone", "Asia/Tokyo");
        TimeZone.setDefault(null);
        assertThat(TimeZone.getDefault().getID()).isEqualTo("Asia/Tokyo");
        assertThat(RunTimeSettings.zone(Map.of())).containsExactly("-Duser.timezone=Asia/Tokyo");
        assertThat(RunTimeSettings.zone(Map.of("TZ", "UTC"))).isEmpty();
    }

    @Test
    void aTimeZoneWithoutANameStays() {
        TimeZone.setDefault(new SimpleTimeZone(3_600_000, "mine"));
        assertThat(RunTimeSettings.zone(Map.of())).isEmpty();
    }

    @Test
    void theExtensionsOfALocaleTravel() {
        Locale.setDefault(Locale.Category.FORMAT,
                new Locale.Builder().setLocale(format).setLanguageTag("th-TH-u-ca-buddhist-nu-thai").build());
        List<String> options = RunTimeSettings.locales(Map.of());
        assertThat(options).contains("-Duser.language.format=th", "-Duser.country.format=TH",
                "-Duser.extensions.format=u-ca-buddhist-nu-thai");
        Locale.setDefault(Locale.Category.FORMAT,
                new Locale.Builder().setLocale(format).setExtension('u', "ca-buddhist").build());
        assertThat(RunTimeSettings.locales(Map.of())).contains("-Duser.extensions.format=u-ca-buddhist");
    }
}
