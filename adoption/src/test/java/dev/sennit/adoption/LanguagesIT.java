package dev.sennit.adoption;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Lambdas and classes of other languages. */
@Timeout(1800) // the first builds all projects
class LanguagesIT {
    /** Beside the shop's own classes, values of the language go to a worker and come back: pairs, ranges, options. */
    private static final String KOTLIN = """
            [Receipt(order=Order(item=rope, count=3), cents=270), Receipt(order=Order(item=sail, count=2), cents=180)]
            [(rope, 2, 0..2), (rope, 3, 0..3), (rope, 4, 0..4)]""";

    private static final String SCALA = """
            [Receipt(Order(rope,3),270), Receipt(Order(sail,2),180)]
            (List(Some(5), None),Right(left),Range 1 to 3)""";

    @Test
    @InFull
    void kotlin() throws Exception {
        Sale.isAllOf(OutsideProjects.run("kotlin", "run.sh"), Sale.printed(KOTLIN, "shop.SoldOut"));
    }

    @Test
    @InFull
    void scala() throws Exception {
        Sale.isAllOf(OutsideProjects.run("scala", "run.sh"), Sale.printed(SCALA, "shop.SoldOut"));
    }
}
