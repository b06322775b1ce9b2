"""`sign` reads dates as dateutil does, which the AWS CLI leaves them to: random spellings, the same moment of each."""

import datetime
import os
import random
import re
import subprocess
import unittest
import warnings

import dateutil.parser
import dateutil.tz
import rsa

PROGRAM = os.environ["RECANT_PROGRAM"]
SPELLINGS = int(os.environ.get("RECANT_SPELLINGS", "300"))

MONTHS = "Jan January feb March APR May June Jul august Sept Sep Oct November DEC".split()
WEEKDAYS = ["Mon", "Monday", "tue", "Thurs", "Friday", "sun"]
ZONES = ["", "", "", "", "Z", " UTC", " GMT", " +02:00", "+0200", " -0530", " XYZ", " GMT+3", "+02", " UTC+3", " +02:00 (XYZ)"]
FILLERS = ["foo", " ad", " at", " and", ",", ".", "-", "/", ";", "'"]


def date(chance):
    day, month = str(chance.randint(1, 31)), str(chance.randint(1, 12))
    two_of_day, two_of_month = day.zfill(2), month.zfill(2)
    name, weekday = chance.choice(MONTHS), chance.choice(WEEKDAYS)
    year = chance.choice(["2030", "1999", "30", "99", "2024", "'30", "0030"])
    return chance.choice([
        f"{name} {day} {year}", f"{day} {name} {year}", f"{name} {day}, {year}", f"{day}-{name}-{year}", f"{day}.{name}.{year}",
        f"{month}/{day}/{year}", f"{day}/{month}/{year}", f"2030/{month}/{day}", f"2030-{month}-{day}", f"2030.{two_of_month}.{two_of_day}",
        f"{two_of_day}.{two_of_month}.2030", f"2030{two_of_month}{two_of_day}", f"{name} {year}", name, weekday, f"{weekday}, {day} {name} 2030",
        f"{day}th of {name} 2030", f"{name} {day}st, {year}", f"{weekday} {name} {day} 10:20:30 2030", "", f"{month}-{day}-2030",
        f"2030-{two_of_month}", f"{name} {day}", f"{day} {name}", f"{name} of {year}", f"{name}-{day}-{year}", f"{name}/{day}", f"{year}-{name}-{day}",
        f"2030{two_of_month}{two_of_day}T{chance.randint(0, 25):02}{chance.randint(0, 61):02}", f"30{two_of_month}{two_of_day}", f"{year} {day} {name}",
        f"{weekday} {year}", f"{month} {day} {year}", f"{year} {month} {day}", f"2030{two_of_month}{two_of_day}1020", f"2030{two_of_month}{two_of_day}102030",
    ])


def time(chance):
    hour, minute, second = chance.randint(0, 25), chance.randint(0, 61), chance.randint(0, 60)
    half = chance.choice(["am", "PM", "a.m.", "p", "pM"])
    return chance.choice([
        "", "", f"{hour}:{minute:02}", f"{hour:02}:{minute:02}:{second:02}", f"{hour}:{minute:02}:{second:02}.123", f"{hour}:{minute}:{second:02},5",
        f"{hour % 13} {half}", f"{hour % 13}{half}", f"{hour % 12 + 1}:{minute:02}{half}", f"{hour % 12 + 1}:{minute:02} {half}", f"{hour}h{minute}m",
        f"{hour}h", f"{hour}h{minute}", f"{hour} hours {minute} minutes {second} s", f"{hour}.5h", f"{hour}:{minute}.5", f"T{hour:02}:{minute:02}:{second:02}",
        f"T{hour:02}{minute:02}", f"{hour:02}{minute:02}{second:02}", f"{hour:02}{minute:02}{second:02}.25", f"{half} {hour}",
    ])


def spelling(chance):
    text = chance.choice([
        lambda: date(chance) + " " + time(chance) + chance.choice(ZONES),
        lambda: date(chance) + time(chance) + chance.choice(ZONES),
        lambda: time(chance) + " " + date(chance) + chance.choice(ZONES),
        lambda: time(chance) + chance.choice(ZONES) + " " + date(chance),
        lambda: date(chance),
        lambda: date(chance) + chance.choice(FILLERS) + " " + time(chance),
    ])()
    if chance.random() < 0.1 and text:
        at = chance.randrange(len(text))
        text = text[:at] + chance.choice([*" .,:-/+09aTZ", ""]) + text[at + 1:]
    return text


def is_number(text):
    try:
        float(text)
        return True
    except ValueError:
        return False


def by_dateutil(text, today):
    """Seconds since 1970, or none where the text is no date."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            moment = dateutil.parser.parse(text, default=today, tzinfos={"GMT": dateutil.tz.tzutc()})
            moment = moment if moment.tzinfo else moment.replace(tzinfo=datetime.timezone.utc)
            return int((moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)).total_seconds() // 1)
    except (ValueError, OverflowError):
        return None


def private_key():
    """A key with primes of the same length, as all programs make them but this library."""
    p, q = rsa.prime.getprime(512), rsa.prime.getprime(512)
    d = pow(65537, -1, (p - 1) * (q - 1))
    return rsa.PrivateKey(p * q, 65537, d, max(p, q), min(p, q)).save_pkcs1().decode()


class Dates(unittest.TestCase):
    def setUp(self):
        self.key = private_key()

    def by_recant(self, text):
        words = ["cloudfront", "sign", "--url", "https://d/", "--key-pair-id", "K", "--private-key", self.key, f"--date-less-than={text}"]
        done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=60)
        if done.returncode == 0:
            return int(re.search(r"Expires=(-?\d+)", done.stdout).group(1))
        self.assertEqual(done.returncode, 255, done.stderr)
        self.assertIn("Invalid timestamp", done.stderr)
        return None

    def test_random_spellings(self):
        seed = int(os.environ.get("RECANT_SEED", random.randrange(1 << 32)))
        chance = random.Random(seed)
        understood = 0
        for _ in range(SPELLINGS):
            text = spelling(chance)
            if is_number(text) or "\0" in text:
                continue
            midnight = lambda: datetime.datetime.now(datetime.timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
            before = midnight()
            got = self.by_recant(text)
            wanted = {by_dateutil(text, before), by_dateutil(text, midnight())}
            understood += got is not None
            self.assertIn(got, wanted, f"{text!r}, RECANT_SEED={seed}")
        self.assertGreater(understood, SPELLINGS // 4)


if __name__ == "__main__":
    unittest.main()
